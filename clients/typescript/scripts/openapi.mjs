// Generates the types of the server API, and the table of its operations, from docs/openapi.json. With `--check`, fails
// if they are out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL('../../../docs/openapi.json', import.meta.url);
const document = JSON.parse(readFileSync(source, 'utf8'));
const header = '// Generated from docs/openapi.json by `npm run openapi`; do not edit.\n';

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([, operation]) => operation?.operationId)
    .map(([method, { operationId }]) => `  ${operationId}: ['${method.toUpperCase()}', '${path}'],`),
);
const files = {
  'openapi.ts': header + astToString(await openapiTS(document)),
  'operations.ts': `${header}\n/** Method and path of each operation. */\nexport const OPERATIONS = {\n${operations.sort().join('\n')}\n} as const;\n`,
};

let isStale = false;
for (const [name, text] of Object.entries(files)) {
  const target = fileURLToPath(new URL(`../packages/server/src/${name}`, import.meta.url));
  if (process.argv.includes('--check')) isStale ||= readFileSync(target, 'utf8') !== text;
  else writeFileSync(target, text);
}
if (isStale) {
  console.error('packages/server/src is out of date: run `npm run openapi`');
  process.exit(1);
}
