// The snippets of docs/media.md: those in TypeScript compile, the credentials for TURN are what coturn computes.

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const text = readFileSync(fileURLToPath(new URL('../../../../../../docs/media.md', import.meta.url)), 'utf8');

function snippets(language: string): string[] {
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code ?? '');
}

/** What the snippets take for granted. */
const GIVEN = `
declare const room: import('@stagedoor/client').Room;
declare const streamId: string;
declare const button: HTMLButtonElement;
`;

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

it('the snippets in TypeScript compile', () => {
  const files = new Map(snippets('ts').map((code, index) => [`/snippet-${String(index)}.ts`, `${code}\nexport {};\n`]));
  expect(files.size).toBe(2);
  files.set('/given.d.ts', GIVEN);
  const options: ts.CompilerOptions = {
    noEmit: true,
    // The page has its elements.
    strict: true,
    strictNullChecks: false,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
    types: [],
    paths: {
      '@stagedoor/client': [source('index.ts')],
      '@stagedoor/client/webrtc': [source('webrtc/index.ts')],
    },
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  const exists = host.fileExists.bind(host);
  host.fileExists = (name) => files.has(name) || exists(name);
  host.getSourceFile = (name, target) => {
    const own = files.get(name);
    return own === undefined ? read(name, target) : ts.createSourceFile(name, own, target);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const errors = [...files.keys()].flatMap((name) => program.getSemanticDiagnostics(program.getSourceFile(name)));
  expect(errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
}, 60_000);

it('the credentials for TURN expire in an hour', async () => {
  const [code = ''] = snippets('js');
  const { turnCredentials } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    turnCredentials: (name: string, secret: string, nowMs: number) => { username: string; credential: string };
  };
  const { username, credential } = turnCredentials('ada', 'secret', 1_000_000);
  expect(username).toBe('4600:ada');
  expect(credential).toBe(createHmac('sha1', 'secret').update('4600:ada').digest('base64'));
});
