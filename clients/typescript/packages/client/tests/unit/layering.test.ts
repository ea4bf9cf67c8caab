// Imports lead downwards only, and never in a circle; those of modules that are loaded later too.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));
const LAYERS = ['wire', 'core', 'shell', 'room', 'session', 'index.ts', 'webrtc'];

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    const paths = [...text.matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)].map(([, path]) => path ?? '');
    return [file, paths.map((path) => `${relative(source, join(source, dirname(file), path))}.ts`)];
  }),
);

it('imports lead to the same layer or to one below', () => {
  const layerOf = (file: string): number => LAYERS.indexOf(file.split('/')[0] ?? '');
  for (const [file, targets] of imports) {
    for (const target of targets) {
      expect(layerOf(target), `${file} imports ${target}`).toBeGreaterThanOrEqual(0);
      expect(layerOf(target), `${file} imports ${target}`).toBeLessThanOrEqual(layerOf(file));
    }
  }
});

it('media uses only the public names of the core', () => {
  for (const [file, targets] of imports) {
    if (!file.startsWith('webrtc/')) continue;
    for (const target of targets) expect(target, file).toMatch(/^(webrtc\/.*|index)\.ts$/);
  }
});

it('no file imports itself over others', () => {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    expect(path, 'a circle').not.toContain(file);
    if (done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});
