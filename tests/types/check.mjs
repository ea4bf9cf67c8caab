// Compiles samples of messages against the generated types: those in `good.ts` compile, each of those in `bad.mjs` does
// not. No exported name is a global of browsers or of JavaScript.
//
// Usage: node check.mjs <folder with node_modules>

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { bad } from "./bad.mjs";

const modules = path.resolve(process.argv[2], "package.json");
const ts = createRequire(modules)("typescript");
const here = path.dirname(fileURLToPath(import.meta.url));
const types = path.join(here, "../../proto/schema/stagedoor.v1.d.ts");

const options = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  skipLibCheck: false,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};

/** The program of these files, of which some exist only here. */
function compile(texts, lib) {
  const settings = { ...options, lib: lib.map((name) => `lib.${name}.d.ts`) };
  const host = ts.createCompilerHost(settings);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (name) => texts[name] ?? readFile(name);
  host.fileExists = (name) => name in texts || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name in texts
      ? ts.createSourceFile(name, texts[name], ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest);
  return ts.createProgram(Object.keys(texts), settings, host);
}

function messages(program) {
  const found = ts.getPreEmitDiagnostics(program);
  const text = (found) => ts.flattenDiagnosticMessageText(found.messageText, "\n");
  return found.map((found) => ({ code: found.code, file: found.file?.fileName, text: text(found) }));
}

const failures = [];
const LIB = ["es2022", "dom"];

const good = path.join(here, "good.ts");
for (const { file, text } of messages(compile({ [good]: readFileSync(good, "utf8") }, LIB))) {
  failures.push(`${file ?? "good.ts"}: ${text}`);
}

// Not assignable, an unknown property, or no overload: anything else is a mistake in the sample.
const EXPECTED = new Set([2322, 2345, 2353, 2741, 2769, 2375, 2379, 2739]);
const samples = {};
for (const [name, text] of Object.entries(bad)) {
  const head = `import type * as wire from "${types.replace(/\.d\.ts$/, ".js")}";\n`;
  samples[path.join(here, `bad ${name}.ts`)] = `${head}export const sample: ${text};\n`;
}
const program = compile(samples, LIB);
const rejected = messages(program);
for (const file of Object.keys(samples)) {
  const errors = rejected.filter((error) => error.file === file);
  if (errors.length === 0) {
    failures.push(`${path.basename(file)}: compiles`);
  }
  for (const { code, text } of errors.filter((error) => !EXPECTED.has(error.code))) {
    failures.push(`${path.basename(file)}: ${code} ${text}`);
  }
}
for (const { file, text } of rejected.filter((error) => !(error.file in samples))) {
  failures.push(`${file ?? "options"}: ${text}`);
}

for (const lib of [["esnext", "dom"], ["esnext", "webworker"]]) {
  const script = path.join(here, "globals.ts");
  const program = compile({ [script]: "" }, lib);
  const everything = ts.SymbolFlags.Type | ts.SymbolFlags.Value | ts.SymbolFlags.Namespace;
  const scope = program.getTypeChecker().getSymbolsInScope(program.getSourceFile(script), everything);
  const globals = new Set(scope.map((symbol) => symbol.name));
  const exported = [...readFileSync(types, "utf8").matchAll(/^export (?:type|interface) (\w+)/gm)];
  if (exported.length < 50 || !globals.has("Error")) {
    failures.push(`${lib}: found ${exported.length} names and ${globals.size} globals`);
  }
  for (const [, name] of exported.filter(([, name]) => globals.has(name))) {
    failures.push(`${name} shadows a global (${lib.join(", ")})`);
  }
}

if (failures.length > 0) {
  console.error(failures.join("\n"));
  process.exit(1);
}
console.log(`types: good.ts compiles, ${Object.keys(bad).length} bad samples do not`);
