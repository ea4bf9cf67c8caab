// Builds @stagedoor/client as one minified ES module, for pages without a build step: what other bundles load later is
// part of it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../packages/client', import.meta.url));
const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  build: {
    lib: { entry: `${root}/dist/index.js`, formats: ['es'], fileName: () => 'stagedoor.js' },
    emptyOutDir: false,
    outDir: 'dist',
    // Vite leaves the white space of a library in; an application is smaller without it.
    rolldownOptions: {
      output: { codeSplitting: false, minify: true, postBanner: `/*! ${name} ${version}, ${license} */` },
    },
    target: 'es2022',
  },
});
