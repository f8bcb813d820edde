import type { Command, CommandResult, ReportedState } from '@starling/shared';
import { SIMULATED_AGENT_VERSION } from './profile-capabilities.ts';

/** What a device that runs nothing can truly answer; the rest fails with a code that says why. */
export function answerTo(
  { name }: Command,
  device: { uptimeMs: number; name: string; running: ReportedState['running'] },
): Pick<CommandResult, 'status' | 'result' | 'error'> {
  const done = (result: Record<string, unknown>): Pick<CommandResult, 'status' | 'result'> => ({ status: 'done', result });
  switch (name) {
    case 'ping':
      return done({ uptimeMs: device.uptimeMs, agentVersion: SIMULATED_AGENT_VERSION });
    case 'logs':
      return done({ lines: [`simulated device ${device.name}`] });
    case 'snapshot':
      return done({ snapshot: { simulated: true, uptimeMs: device.uptimeMs, running: device.running } });
    case 'self-test': {
      const models = Object.keys(device.running?.artefacts ?? {}).map((model) => [model, { passed: true, maximumError: 0 }]);
      return done({ passed: true, models: Object.fromEntries(models) as Record<string, unknown> });
    }
    case 'restart':
      return done({ restartedInMs: 800 });
    case 'identify':
      return done({});
    default:
      return {
        status: 'failed',
        error: { code: 'simulated-device', message: `a simulated device runs nothing, and does not carry out "${name}"` },
      };
  }
}
