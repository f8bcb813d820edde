import { parseArgs } from 'node:util';
import { messageOf, StarlingError } from '@starling/shared';
import { z } from 'zod';

/** Settings of the demo: flag `--directory`, environment `STARLING_DEMO_DIRECTORY`. */
const demoConfigSchema = z.object({
  directory: z.string().min(1).default('.starling').meta({ description: 'Where everything lies; delete it to start again' }),
  scenes: z.coerce.number().int().min(1).max(10_000).default(300).meta({ description: 'Pictures that the agent reads over and over' }),
  seed: z.coerce.number().int().default(1).meta({ description: 'Seed of the pictures' }),
  httpPort: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .meta({ description: 'Port of the dashboard (default: that of the last start, 8080 at first, a free one if that is taken)' }),
  address: z
    .string()
    .regex(/^[a-z0-9.-]*$/i, 'not a name or an IPv4 address')
    .default('')
    .meta({ description: 'Name or address by which other machines reach this one (default: its host name)' }),
  browserOrigins: z
    .string()
    .default('')
    .meta({ description: 'Origins of other web sites whose pages may run devices, separated by commas; * for every site' }),
  once: z.stringbool().or(z.boolean()).default(false).meta({ description: 'End as soon as the first text was read' }),
});
export type DemoConfig = z.infer<typeof demoConfigSchema>;

const keys = Object.keys(demoConfigSchema.shape) as (keyof DemoConfig)[];
/** Flags that need no value: `--once` is `--once true`. */
const switches: readonly (keyof DemoConfig)[] = ['once'];

/** @throws StarlingError `invalid-config` that names the setting */
export function readDemoConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DemoConfig {
  const fromEnvironment = keys.map((key) => [key, environment[`STARLING_DEMO_${dashed(key, '_').toUpperCase()}`]] as const);
  const flags = readFlags(argv);
  const fromFlags = keys.map((key) => [key, flags[dashed(key, '-')]] as const);
  const given = [...fromEnvironment, ...fromFlags].filter(([, value]) => value !== undefined);
  const parsed = demoConfigSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new StarlingError('invalid-config', `${field}: ${issue?.message ?? 'invalid'}`, { field, hint: 'see npm start -- --help' });
}

/** Text of `--help`, from the schema. */
export function demoHelp(): string {
  const lines = keys.map((key) => `  --${dashed(key, '-').padEnd(18)}${demoConfigSchema.shape[key].meta()?.description ?? ''}`);
  return [
    'npm start -- [options]',
    '',
    'Starts a fleet manager and one agent on this machine, and lets the agent read text in pictures.',
    '',
    ...lines,
  ].join('\n');
}

function readFlags(argv: readonly string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(keys.map((key) => [dashed(key, '-'), { type: 'string' as const }]));
  const words = argv.filter((word) => word !== '--');
  const isSwitch = (word: string): boolean => switches.some((key) => word === `--${dashed(key, '-')}`);
  const args = words.map((word, index) => (isSwitch(word) && (words[index + 1] ?? '--').startsWith('--') ? `${word}=true` : word));
  try {
    return parseArgs({ args, options, strict: true }).values as Record<string, string | undefined>;
  } catch (cause) {
    throw new StarlingError('invalid-config', messageOf(cause), { hint: 'see npm start -- --help', cause });
  }
}

function dashed(key: string, separator: string): string {
  return key.replace(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`);
}
