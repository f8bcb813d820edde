import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { StarlingError } from '@starling/shared';
import { type AgentConfig, childEnvironment } from './config.ts';

const TIMEOUT_MS = 30_000;

/** What the owner of a device lets the fleet have it do: shell commands of the agent's settings, and nothing that comes over the wire. */
export function ownerCommands({ rebootCommand, identifyCommand }: Pick<AgentConfig, 'rebootCommand' | 'identifyCommand'>) {
  return {
    reboot: rebootCommand === undefined ? undefined : () => run(rebootCommand, {}),
    identify: identifyCommand === undefined ? undefined : (message: string) => run(identifyCommand, { STARLING_MESSAGE: message }),
  };
}

async function run(command: string, environment: Record<string, string>): Promise<void> {
  try {
    await promisify(execFile)('/bin/sh', ['-c', command], { timeout: TIMEOUT_MS, env: { ...childEnvironment(), ...environment } });
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw new StarlingError('owner-command-failed', `"${command}" failed: ${stderr?.trim().slice(0, 500) || 'it ended with an error'}`, {
      hint: 'run it on the device as the user of the agent',
      cause,
    });
  }
}
