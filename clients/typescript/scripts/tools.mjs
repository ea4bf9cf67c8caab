// Installs the runtimes, compilers and bundlers of tests/packages, once for each version of their lock file. They are
// no development dependencies: two packages that bring a program `node` would replace the one that runs the tests.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../tests/packages/tools', import.meta.url));
const stamp = `${folder}/node_modules/.installed`;
const lock = readFileSync(`${folder}/package-lock.json`, 'utf8');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  writeFileSync(stamp, lock);
}
