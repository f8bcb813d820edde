/** What an agent shall do -> a package that a device can be updated to; the good one is the real agent. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const agent = fileURLToPath(new URL('../../agent/src/node/main.ts', import.meta.url));

const programs = {
  good: `exec '${process.execPath}' --max-semi-space-size=4 '${agent}' "$@"`,
  /** Does not start. */
  crashing: 'exit 3',
  /** Starts, and does nothing. */
  silent: 'exec sleep 600',
};
export type AgentKind = keyof typeof programs;

/** @returns the file of the package. The text makes packages differ that do the same */
export async function makePackage(folder: string, kind: AgentKind, text: string): Promise<string> {
  const stage = join(folder, `${kind}-${text}`);
  await mkdir(join(stage, 'bin'), { recursive: true });
  const program = join(stage, 'bin', 'starling-agent');
  await writeFile(program, `#!/bin/sh\n# ${text}\n${programs[kind]}\n`);
  await chmod(program, 0o755);
  const file = `${stage}.tar.gz`;
  await promisify(execFile)('tar', ['-czf', file, '-C', stage, 'bin']);
  return file;
}
