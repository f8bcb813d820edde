#!/usr/bin/env node
import { systemClock } from '../clock.ts';
import { FLEET_VERSION } from '../version.ts';
import { startDirectory } from './config.ts';
import { exitCodes } from './errors.ts';
import { runCli } from './run.ts';

const interruption = new AbortController();
process.on('SIGINT', () => {
  // A second Ctrl-C does not wait for anything.
  if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
  interruption.abort();
});
// Whoever reads our output has seen enough, as in `starling device ls | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

const directory = startDirectory();
if (directory !== undefined) process.chdir(directory);

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  version: FLEET_VERSION,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  nowMs: systemClock.nowMs,
  signal: interruption.signal,
});
