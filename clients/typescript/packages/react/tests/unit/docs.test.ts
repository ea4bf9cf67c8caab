// The snippets of the documents compile.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

it.each(['../../docs/react.md', 'packages/react/README.md'])(
  'the snippets of %s compile',
  (document) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const snippets = [...text.matchAll(/^```tsx\n(.*?)^```$/gms)].map(([, code]) => code ?? '');
    expect(snippets).not.toEqual([]);
    // Inside the workspace, so that its packages are found.
    mkdirSync(join(ROOT, 'test-results'), { recursive: true });
    const folder = mkdtempSync(join(ROOT, 'test-results/snippets-'));
    try {
      const files = snippets.map((code, index) => {
        const file = join(folder, `snippet-${String(index)}.tsx`);
        writeFileSync(file, code);
        return file;
      });
      const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path));
      const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
      const program = ts.createProgram(files, { ...options, noEmit: true });
      const problems = ts.getPreEmitDiagnostics(program).map((problem) => {
        const where = problem.file ? dirname(problem.file.fileName) : '';
        return `${where} ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`;
      });
      expect(problems).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  60_000,
);
