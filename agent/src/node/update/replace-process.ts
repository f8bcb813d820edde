import { join } from 'node:path';
import process from 'node:process';
import { StarlingError } from '@starling/shared';
import { buildEnvironment } from '../config.ts';
import { BUILDS_FOLDER, type InstalledBuild } from './state.ts';

/** The program of a build. */
export function programOf(directory: string, { folder }: Pick<InstalledBuild, 'folder'>): string {
  return join(directory, BUILDS_FOLDER, folder, 'bin', 'starling-agent');
}

/** What was given to this program on its command line. */
export function ownArguments(): string[] {
  return process.argv.slice(2);
}

/** A build takes the place of this process, under its id: whoever has started it sees no difference. */
export function becomeBuild(directory: string, build: InstalledBuild): never {
  const program = programOf(directory, build);
  return replace(program, [program, ...ownArguments()], buildEnvironment(build.version));
}

/** This program starts anew in the place of itself, and looks what there is to do. */
export function becomeItself(): never {
  return replace(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], buildEnvironment());
}

function replace(file: string, args: string[], environment: Record<string, string>): never {
  if (process.execve === undefined) {
    throw new StarlingError('not-supported', 'this Node cannot replace its process', {
      hint: 'run the agent with the Node of its package',
    });
  }
  return process.execve(file, args, environment);
}
