import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, StarlingError } from '@starling/shared';
import type { AgentUpdater, UpdateOutcome } from '../../core/ports/agent-updater.ts';
import { buildOf } from '../config.ts';
import { syncDirectory } from '../file-store.ts';
import { BUILDS_FOLDER, readUpdateState, writeUpdateState } from './state.ts';

const execute = promisify(execFile);
const FOLDER_LENGTH = 16;

/** @param handOver closes this agent, and has the program look what there is to do */
export function createUpdater(directory: string, handOver: () => Promise<never>): AgentUpdater {
  return {
    platform: `${platform()}-${arch()}`,
    async running() {
      const { current } = await readUpdateState(directory);
      return { version: buildOf().version ?? null, issuedAtMs: current?.issuedAtMs ?? 0 };
    },
    async outcome(command): Promise<UpdateOutcome> {
      const { trial, last } = await readUpdateState(directory);
      if (trial?.command === command) return { state: 'trial' };
      if (last?.command !== command) return { state: 'none' };
      const { version, before, failure } = last;
      return failure === null ? { state: 'done', version, before } : { state: 'failed', reason: failure };
    },
    async install({ command, version, issuedAtMs, digest, location, hasRelease, unpacked }) {
      const folder = await unpack(directory, location, digest.slice(0, FOLDER_LENGTH));
      const state = await readUpdateState(directory);
      await writeUpdateState(directory, { ...state, trial: { version, issuedAtMs, folder, command, hasRelease, attempts: 0 } });
      await unpacked();
      return handOver();
    },
  };
}

/** Beside what is there, by a rename once all of it is on disk. */
async function unpack(directory: string, file: string, folder: string): Promise<string> {
  const builds = join(directory, BUILDS_FOLDER);
  await mkdir(builds, { recursive: true, mode: 0o700 });
  const stage = await mkdtemp(join(builds, '.new-'));
  try {
    // What is in it, the publisher has signed. Names that lead out of the folder are refused by tar itself.
    await execute('tar', ['-xzf', file, '-C', stage, '--no-same-owner']).catch((cause: unknown) => {
      throw broken(`it cannot be unpacked: ${messageOf(cause)}`);
    });
    await access(join(stage, 'bin', 'starling-agent'), constants.X_OK).catch(() => {
      throw broken('it has no program bin/starling-agent');
    });
    await execute('sync', ['-f', stage]);
    await rm(join(builds, folder), { recursive: true, force: true });
    await rename(stage, join(builds, folder));
    await syncDirectory(builds);
    return folder;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

function broken(why: string): StarlingError {
  return new StarlingError('package-broken', `the package of the agent is no use: ${why}`, { hint: 'publish another one' });
}
