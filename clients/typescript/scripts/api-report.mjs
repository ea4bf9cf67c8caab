// Writes what each package exports, with all types that its exports name, into its api-report.md. With `--check`, fails
// if a report is out of date: a change of the public API is then seen in review.
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Generated from documents that have a check of their own. */
const GENERATED = ['dist/openapi.d.ts', 'dist/operations.d.ts'];
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

let isStale = false;
for (const name of ['client', 'server']) {
  const folder = `${root}packages/${name}`;
  const text = report(name, folder);
  const target = `${folder}/api-report.md`;
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) {
    console.error(`packages/${name}/api-report.md is out of date: run \`npm run api-report\`, and read its difference`);
    isStale = true;
  }
}
process.exit(isStale ? 1 : 0);

function report(name, folder) {
  const { exports } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const entries = Object.entries(exports).filter(([, entry]) => entry.types);
  const files = [...new Set(entries.map(([, { types }]) => `${folder}/${types.replace('./', '')}`))];
  const lib = ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'];
  const program = ts.createProgram(files, { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, lib });
  const checker = program.getTypeChecker();
  const sections = [`# The API of @stagedoor/${name}\n\nWritten by \`npm run api-report\` in clients/typescript.\n`];
  for (const file of files) {
    const paths = entries.filter(([, { types }]) => file.endsWith(types.slice(1))).map(([path]) => path);
    const moduleSymbol = checker.getSymbolAtLocation(program.getSourceFile(file));
    const exported = new Map(
      checker.getExportsOfModule(moduleSymbol).map((symbol) => [symbol.name, resolve(checker, symbol)]),
    );
    const others = new Map();
    for (const symbol of exported.values()) collect(checker, folder, symbol, new Set(exported.values()), others);
    sections.push(`\n## ${paths.join(', ')}\n\n${block(exported)}`);
    if (others.size > 0) sections.push(`\nNot exported, but named by what is:\n\n${block(others)}`);
  }
  return sections.join('');
}

/** The symbol that an alias stands for. */
function resolve(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Adds the types of the package that the declarations of a symbol name, and what those name. */
function collect(checker, folder, symbol, exported, into) {
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const found = checker.getSymbolAtLocation(node);
      const target = found && resolve(checker, found);
      const [declaration] = target?.declarations ?? [];
      const file = declaration && relative(folder, declaration.getSourceFile().fileName);
      const isOwn =
        file?.startsWith('dist/') && !GENERATED.includes(file) && declaration.parent?.kind === ts.SyntaxKind.SourceFile;
      if (isOwn && !exported.has(target) && into.get(target.name) !== target) {
        into.set(target.name, target);
        collect(checker, folder, target, exported, into);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of symbol.declarations ?? []) visit(declaration);
}

/** The declarations of symbols, by name. */
function block(symbols) {
  const texts = [...symbols]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, symbol]) => symbol.declarations.map(textOf).join('\n'));
  return `\`\`\`ts\n${texts.join('\n\n')}\n\`\`\`\n`;
}

function textOf(declaration) {
  // The statement of a constant has its `const`.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
}
