import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../core/ports/log.ts';
import { buildEnvironment } from '../config.ts';
import { failed, proved } from './decide-start.ts';
import { ownArguments, programOf } from './replace-process.ts';
import { BUILDS_FOLDER, forgetHealthy, isHealthy, readUpdateState, type UpdateState, writeUpdateState } from './state.ts';

const LOOK_AGAIN_MS = 500;
/** Time for a build to end by itself, before it is ended. */
const FAREWELL_MS = 20_000;

/**
 * Runs a build on trial as a child until it says that it is well, ends, or has used up its time; and writes down what came of it. A crash
 * is no end: it is started again by whoever comes next, so many times.
 * @returns when no build is on trial any more, or when it has to be started again
 */
export async function watchTrial(directory: string, trial: NonNullable<UpdateState['trial']>, limitMs: number, log: Log): Promise<void> {
  await forgetHealthy(directory);
  const mark = `${process.pid}-${trial.attempts}`;
  log.info('another agent is tried', { version: trial.version, attempt: trial.attempts });
  const child = spawn(programOf(directory, trial), ownArguments(), {
    stdio: 'inherit',
    env: buildEnvironment(trial.version, { parent: process.pid, mark }),
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  const pass = (signal: NodeJS.Signals): void => {
    // The device goes down: that says nothing about the build.
    child.kill(signal);
    void ended.then(() => process.exit(0));
  };
  process.once('SIGTERM', pass);
  process.once('SIGINT', pass);
  const verdict = await Promise.race([ended, wellOrLate(directory, mark, limitMs)]);
  if (verdict === 'well') {
    await end(child, ended);
    await settle(directory, proved(await readUpdateState(directory)));
    log.info('the new agent has proved itself', { version: trial.version });
  } else if (verdict === 'late') {
    child.kill('SIGKILL');
    await ended;
    await settle(directory, failed(await readUpdateState(directory), `it was not well within ${limitMs / 1000} s`));
    log.warn('the new agent has not proved itself', { version: trial.version });
  } else log.warn('the new agent does not run', { version: trial.version, reason: verdict });
  process.off('SIGTERM', pass);
  process.off('SIGINT', pass);
}

async function wellOrLate(directory: string, mark: string, limitMs: number): Promise<'well' | 'late'> {
  const endMs = performance.now() + limitMs;
  while (performance.now() < endMs) {
    if (await isHealthy(directory, mark)) return 'well';
    await delay(LOOK_AGAIN_MS, undefined, { ref: false });
  }
  return 'late';
}

async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM');
  const late = delay(FAREWELL_MS, 'late', { ref: false });
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
  await ended;
}

/** Writes the state, then removes builds that nothing names any more. */
export async function settle(directory: string, state: UpdateState): Promise<void> {
  await writeUpdateState(directory, state);
  const kept = new Set([state.current?.folder, state.trial?.folder]);
  const builds = join(directory, BUILDS_FOLDER);
  for (const folder of await readdir(builds).catch(() => [])) {
    if (!kept.has(folder)) await rm(join(builds, folder), { recursive: true, force: true });
  }
}
