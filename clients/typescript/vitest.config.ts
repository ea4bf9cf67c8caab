import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The tests of the React package, with one version of React. */
const withReact = (version: 18 | 19) => {
  const modules = path(version === 18 ? 'tests/react-18/node_modules' : 'node_modules');
  return {
    resolve: {
      alias: [
        { find: /^(react|react-dom)(\/.*)?$/, replacement: `${modules}/$1$2` },
        { find: /^@stagedoor\/client$/, replacement: path('packages/client/src/index.ts') },
        { find: /^@stagedoor\/client\/webrtc$/, replacement: path('packages/client/src/webrtc/index.ts') },
      ],
    },
    test: {
      name: `react-${String(version)}`,
      include: ['packages/react/tests/{unit,gateway}/**/*.test.tsx'],
      setupFiles: [path('packages/react/tests/harness/dom.ts')],
      env: { REACT_VERSION: String(version) },
      testTimeout: 30_000,
      hookTimeout: 30_000,
    },
  };
};

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['packages/*/tests/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'gateway',
          include: ['packages/*/tests/gateway/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['packages/*/tests/browser/**/*.test.ts'],
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'stories',
          include: ['tests/stories/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'packages',
          // As many compilers as there are processors here.
          maxConcurrency: 2,
          include: ['tests/packages/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      withReact(18),
      withReact(19),
    ],
  },
});
