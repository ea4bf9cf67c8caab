// Checks the packed packages with publint, and their types for every resolver.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules/.bin', name);
const folder = mkdtempSync(join(tmpdir(), 'stagedoor-packages-'));
const run = (command, args) => {
  console.log(`$ ${command.replace(root, '')} ${args.join(' ')}`);
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
};

try {
  for (const name of ['client', 'server']) {
    const source = join(root, 'packages', name);
    run(bin('publint'), ['--strict', source]);
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
    const tarball = readdirSync(folder).find((file) => file.includes(`-${name}-`));
    run(bin('attw'), [join(folder, tarball), '--profile', 'esm-only']);
  }
} finally {
  rmSync(folder, { recursive: true });
}
