import { settingsSchema } from '@starling/shared';
import { z } from 'zod';
import { type Child, startChild } from './child.ts';

const fleetReadySchema = z.object({
  type: z.literal('ready'),
  addresses: settingsSchema.shape.addresses,
  publicUrl: z.string(),
  firstLogin: z.object({ email: z.string(), password: z.string() }).optional(),
});
export type FleetProcess = Child<z.infer<typeof fleetReadySchema>>;

const agentReadySchema = z.object({ type: z.literal('ready'), httpPort: z.number().int(), device: z.string() });
export type AgentProcess = Child<z.infer<typeof agentReadySchema>>;

export interface ProcessOptions {
  dataDirectory: string;
  /** Further flags, e.g. `{ 'http-port': '0' }`. */
  flags?: Readonly<Record<string, string>>;
  /** Beside the environment of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
  onLine?: (line: string) => void;
}

/**
 * As in the script `fleet` of package.json. By itself the young generation grows to 128 MB while modules load, and cools the caches ever after; with
 * 4 MB a fleet that takes up thousands of batches a second spends a third of its time on collecting them.
 */
export const fleetNodeFlags = ['--max-semi-space-size=16'];

/** Starts a fleet as its own process. Without ports in `flags` it takes free ones. */
export function startFleetProcess({ dataDirectory, flags, ...rest }: ProcessOptions): Promise<FleetProcess> {
  const ports = { 'http-port': '0', 'https-port': '0', 'mqtt-port': '0', 'mqtts-port': '0', 'public-url': '' };
  // Two artefacts are enough for most journeys; those about artefacts ask for all of them with an empty text.
  const methods = { 'build-methods': 'source,weights-int8' };
  // What devices measure by themselves would count among what journeys send and hear.
  const quiet = { 'measure-devices-per-profile': '0' };
  const all: Record<string, string> = { 'data-directory': dataDirectory, ...ports, ...methods, ...quiet, ...flags };
  const args = Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`--${name}`, value]));
  return startChild({ program: 'fleet/src/main.ts', nodeFlags: fleetNodeFlags, args, ready: fleetReadySchema, ...rest });
}

/** Starts an agent as its own process. @param options.token claim token, for one that is not enrolled yet */
export function startAgentProcess({ dataDirectory, flags, token, ...rest }: ProcessOptions & { token?: string }): Promise<AgentProcess> {
  const all = { 'data-directory': dataDirectory, 'http-port': '0', ...flags };
  const args = ['run', ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])];
  return startChild({
    program: 'agent/src/node/main.ts',
    // As the launcher of the agent package does.
    nodeFlags: ['--max-semi-space-size=4', '--heap-growing-percent=100'],
    args,
    ready: agentReadySchema,
    ...rest,
    ...(token === undefined ? {} : { environment: { ...rest.environment, STARLING_TOKEN: token } }),
  });
}
