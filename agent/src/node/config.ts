import { homedir } from 'node:os';
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { InferenceServer } from './engine/host-config.ts';

/** Settings of the agent: flag `--data-directory`, environment `STARLING_DATA_DIRECTORY`. */
export const agentConfigSchema = z.object({
  dataDirectory: z.string().min(1).meta({ description: 'Where the key, models and telemetry lie' }),
  httpPort: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8077)
    .meta({ description: 'Local HTTP server, on loopback only; 0 takes a free port' }),
  threads: z.coerce.number().int().min(0).max(256).default(0).meta({ description: 'Threads of one model run; 0 lets ONNX Runtime decide' }),
  memoryArena: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .meta({ description: 'Whether models keep the memory of a run for the next: faster, and more memory; auto: from 2 GiB on' }),
  tuneBudgetMs: z.coerce
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(0)
    .meta({ description: 'Time to search better settings for each artefact that runs, while the device is idle; 0 waits for the command' }),
  optimisedCacheMegabytes: z.coerce
    .number()
    .int()
    .min(0)
    .default(512)
    .meta({ description: 'Disk for models as the engine optimised them for this hardware; 0 keeps none' }),
  runTimeoutMs: z.coerce.number().int().min(100).default(20_000).meta({ description: 'A model run that takes longer is taken for hung' }),
  updateProbationMs: z.coerce
    .number()
    .int()
    .min(1000)
    .default(30_000)
    .meta({ description: 'How long an agent that replaces another has to be well: connected, and its release verified' }),
  updateLimitMs: z.coerce.number().int().min(5000).default(300_000).meta({ description: 'Time for that; then the one of before is back' }),
  engineUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: 'Open Inference Protocol server that runs the models, such as Triton; without it they run in the agent' }),
  engineRepository: z.string().optional().meta({ description: 'Model repository of that server, as the agent sees the folder' }),
  engineProviders: z
    .string()
    .default('cpu')
    .meta({ description: 'Execution providers of that server, best first, with commas between them: tensorrt, cuda, openvino, cpu' }),
  watch: z.string().optional().meta({ description: 'Folder whose images are read, those that are there and those that come' }),
  video: z.string().optional().meta({ description: 'Video file or RTSP address that is read through ffmpeg' }),
  framesPerSecond: z.coerce
    .number()
    .positive()
    .max(120)
    .default(5)
    .meta({ description: 'Frames of a video that are looked at in a second' }),
  set: z
    .union([z.string().transform((text) => text.split('\n').filter((line) => line.trim() !== '')), z.array(z.string())])
    .default([])
    .meta({ description: 'Value of a parameter of the pipeline, as name=value; may be repeated' }),
  credentials: z.string().optional().meta({
    description: 'YAML file with what sources and sinks log in with, readable to its user alone; credentials.yaml in the data directory',
  }),
  filesFolder: z.string().optional().meta({ description: 'Folder that the sink `file` writes below; files in the data directory' }),
  rebootCommand: z
    .string()
    .optional()
    .meta({ description: 'Shell command that starts the whole device anew, such as "systemctl reboot"; without it nobody can from afar' }),
  identifyCommand: z
    .string()
    .optional()
    .meta({ description: 'Shell command that lets people beside the device see which one it is; STARLING_MESSAGE says why' }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
export type AgentConfig = z.infer<typeof agentConfigSchema>;

const keys = Object.keys(agentConfigSchema.shape) as (keyof AgentConfig)[];

export function defaultDataDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.STATE_DIRECTORY ?? join(homedir(), '.starling-agent');
}

/** @throws StarlingError `invalid-config` that names the setting */
export function readAgentConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): AgentConfig {
  const fromEnvironment = Object.fromEntries(
    keys.map((key) => [key, environment[variableOf(key)]]).filter(([, value]) => value !== undefined),
  );
  const fromFlags = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const parsed = agentConfigSchema.safeParse({ dataDirectory: defaultDataDirectory(environment), ...fromEnvironment, ...fromFlags });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new StarlingError('invalid-config', `${field}: ${issue?.message ?? 'invalid'}`, {
    field,
    hint: `see --help, or ${variableOf(field)}`,
  });
}

export function claimTokenFromEnvironment(environment: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  return environment.STARLING_TOKEN;
}

/** @throws StarlingError `invalid-config` for a server without a repository */
export function inferenceServerOf({ engineUrl, engineRepository, engineProviders }: AgentConfig): InferenceServer | undefined {
  if (engineUrl === undefined) return undefined;
  if (engineRepository === undefined) {
    throw new StarlingError('invalid-config', 'engineRepository: a server needs a folder that its models are put into', {
      field: 'engineRepository',
      hint: `see --help, or ${variableOf('engineRepository')}`,
    });
  }
  const providers = engineProviders.split(',').map((provider) => provider.trim());
  return { url: engineUrl, repository: engineRepository, providers: providers.filter((provider) => provider !== '') };
}

/** The environment of child processes: everything but secrets. */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const { STARLING_TOKEN: _token, ...rest } = environment;
  return rest;
}

/** A build that has not proved itself: who watches over it, and by what it is told from tries of before. */
export interface Trial {
  parent: number;
  mark: string;
}

/** Which build of the agent this is, as whoever started it says; no version: the one that was installed by hand. */
export function buildOf(environment: Readonly<Record<string, string | undefined>> = process.env): {
  version: string | undefined;
  trial: Trial | undefined;
} {
  const mark = environment.STARLING_AGENT_TRIAL;
  return {
    version: environment.STARLING_AGENT_BUILD,
    trial: mark === undefined ? undefined : { mark, parent: Number.parseInt(mark, 10) },
  };
}

/** The environment for a build of the agent; without a version, for the program that this is. */
export function buildEnvironment(version?: string, trial?: Trial): Record<string, string> {
  const { STARLING_AGENT_TRIAL: _trial, ...rest } = process.env;
  const build = version === undefined ? {} : { STARLING_AGENT_BUILD: version };
  const all = { ...rest, ...build, ...(trial === undefined ? {} : { STARLING_AGENT_TRIAL: trial.mark }) };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function variableOf(key: string): string {
  return `STARLING_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Was this process started by a unit that waits to be told? */
export function isUnderSystemd(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return environment.NOTIFY_SOCKET !== undefined;
}
