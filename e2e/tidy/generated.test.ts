import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from './steps.ts';

const generated = join(repositoryRoot, 'docs/protocol');

/** Path and digest of every file below a folder. */
function fingerprint(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((file) => join(file.parentPath, file.name))
    .map((path) => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)
    .toSorted();
}

const scripts: Record<string, string> = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')).scripts;
const hasGenerator = scripts.generate !== undefined;

describe('the generated protocol documents', () => {
  test('have a generator', () => {
    expect(hasGenerator).toBe(existsSync(generated));
  });

  test.skipIf(!hasGenerator)('are what the schemas and the wire table say', async () => {
    const before = fingerprint(generated);
    await promisify(execFile)('npm', ['run', '--silent', 'generate', '--', '--check'], { cwd: repositoryRoot });
    // A generator that ignored --check would have put the difference right, and hidden it.
    expect(fingerprint(generated)).toEqual(before);
  });
});
