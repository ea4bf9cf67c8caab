import eslint from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      'packages/client/src/wire/protocol.ts',
      'packages/server/src/openapi.ts',
      'docs/**',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['packages/**/*.{ts,tsx}', 'tests/**/*.ts', 'examples/react-chat/**/*.{ts,tsx}', '*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // `() => this.set.delete(x)` reads better than a block.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-globals': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['packages/client/src/**/*.ts'],
    // Media needs a page: the platform's names are there, and none is read on import.
    ignores: ['packages/client/src/webrtc/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'window',
          'document',
          'navigator',
          'process',
          'setTimeout',
          'clearTimeout',
          'WebSocket',
          'localStorage',
          'sessionStorage',
        ].map((name) => ({
          name,
          message: 'Read it from environment(), when it is needed.',
        })),
      ],
    },
  },
  { files: ['packages/react/**/*.{ts,tsx}'], ...reactHooks.configs.flat.recommended },
  {
    files: ['packages/*/tests/**/*.{ts,tsx}', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['packages/*/tests/browser/pages/*.js'],
    languageOptions: {
      globals: { AudioContext: 'readonly', performance: 'readonly', setTimeout: 'readonly' },
    },
  },
  {
    files: ['scripts/**/*.mjs', '*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    // They run in every runtime.
    files: ['tests/packages/probes/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['console', 'self', 'onmessage', 'Request', 'Response'].map((name) => [name, 'writable']),
      ),
    },
  },
  {
    files: ['examples/**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', URLSearchParams: 'readonly' },
    },
  },
  {
    files: ['examples/**/*.js'],
    languageOptions: { globals: { document: 'readonly', Node: 'readonly', sessionStorage: 'readonly' } },
  },
);
