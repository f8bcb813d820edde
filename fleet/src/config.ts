import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BLOB_BYTES_MAXIMUM, type BuildMethod, buildMethodSchema, DEFAULT_TOPIC_ROOT, messageOf, StarlingError } from '@starling/shared';
import { parse } from 'yaml';
import { z } from 'zod';
import { readExternalBroker } from './external-broker.ts';

/** `source,fp16`, or a list in the file. */
const buildMethodsSchema = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((method) => method.trim()) : value),
  z.array(buildMethodSchema).min(1),
);
const everyMethod: BuildMethod[] = ['source', 'weights-int8', 'optimised', 'fp16', 'dynamic-int8', 'static-int8'];

/** `https://a.example,https://b.example`, or a list in the file. */
const browserOriginsSchema = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((origin) => origin.trim()) : value),
  z.array(
    z.string().refine((origin) => origin === '*' || (!origin.includes('*') && URL.canParse(origin) && new URL(origin).origin === origin), {
      message: 'give origins as browsers send them, https://name or https://name:port, or *',
    }),
  ),
);

/** `mqtts://a.example:8883,wss://a.example/mqtt`, or a list in the file. */
const brokerUrlsSchema = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((url) => url.trim()) : value),
  z.array(z.string().regex(/^(mqtts?|wss?):\/\/[^@]+$/, 'give addresses as mqtts://host:port or wss://host:port/path')),
);

const port = z.coerce.number().int().min(0).max(65_535);

function days(byDefault: number, description: string) {
  return z.coerce.number().int().min(1).max(36_500).default(byDefault).meta({ description });
}

/** Every setting of the fleet: flag `--data-directory`, environment `STARLING_DATA_DIRECTORY`, file key `dataDirectory`. */
export const configSchema = z.strictObject({
  dataDirectory: z.string().min(1).default('.starling/fleet').meta({ description: 'Where keys, blobs and the embedded database lie' }),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'use postgres://user:password@host:port/database')
    .optional()
    .meta({ description: 'Postgres instead of the embedded database' }),
  blobStore: z
    .string()
    .regex(
      /^(s3:\/\/|file:\/\/\/)/,
      'use s3://bucket/prefix, with ?endpoint=https://host:port for storage that is not of Amazon; or file:///folder',
    )
    .optional()
    .meta({
      description:
        'Bucket of S3-compatible storage for blobs, instead of the data directory: s3://bucket/prefix?endpoint=...; or a folder that processes share: file:///folder',
    }),
  httpPort: port.default(8080).meta({ description: 'Plain HTTP, on loopback only' }),
  httpsPort: port.default(8443).meta({ description: 'HTTPS and MQTT over WebSocket, on all interfaces' }),
  mqttPort: port.default(1883).meta({ description: 'Plain MQTT, on loopback only' }),
  mqttsPort: port.default(8883).meta({ description: 'MQTT over TLS, on all interfaces' }),
  host: z.string().default('0.0.0.0').meta({ description: 'Interface of the TLS ports' }),
  insecure: z.stringbool().or(z.boolean()).default(false).meta({ description: 'Let the plain ports listen on all interfaces' }),
  publicUrl: z
    .url()
    .optional()
    .meta({ description: 'Address under which devices and people reach the fleet; https://<host name>:<httpsPort> by default' }),
  names: z.string().default('').meta({ description: 'Further names and addresses for the certificate, separated by commas' }),
  tlsCertificate: z.string().optional().meta({ description: 'PEM file; together with tlsKey instead of the own authority' }),
  tlsKey: z.string().optional().meta({ description: 'PEM file of the private key; together with tlsCertificate' }),
  browserOrigins: browserOriginsSchema
    .default([])
    .meta({ description: 'Origins of other web sites whose pages may enrol and run devices, separated by commas; * for every site' }),
  brokerUrl: z
    .string()
    .regex(
      /^mqtts?:\/\/[^@/,]+(,mqtts?:\/\/[^@/,]+)*$/,
      'use mqtt://host:port or mqtts://host:port; user and password are settings of their own',
    )
    .optional()
    .meta({
      description: 'MQTT broker that devices connect to instead of the embedded one; its nodes separated by commas; needs databaseUrl',
    }),
  brokerUsername: z.string().min(1).default('starling-fleet').meta({ description: 'Login of the fleet at that broker' }),
  brokerPassword: z.string().min(1).optional().meta({ description: 'Password of that login', secret: true }),
  brokerAuthority: z
    .string()
    .optional()
    .meta({ description: 'PEM file of the authority of its certificate, where that is none of the system' }),
  brokerPublicUrls: brokerUrlsSchema
    .default([])
    .meta({ description: 'Addresses under which devices reach it, best first, separated by commas: mqtts://, and wss:// for browsers' }),
  brokerLogins: z.enum(['mosquitto', 'http']).optional().meta({
    description: 'mosquitto: logins of devices are kept in it, by its dynamic security; http: it asks the fleet (RabbitMQ, EMQX)',
  }),
  brokerSecret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{24,}$/, 'use 24 or more of A-Z, a-z, 0-9, _ and -')
    .optional()
    .meta({ description: 'In the path of what a broker asks over HTTP: whoever knows it may ask', secret: true }),
  clusterSecret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{24,}$/, 'use 24 or more random characters of A-Z, a-z, 0-9, _ and -')
    .optional()
    .meta({ description: 'Seals the keys that processes of a fleet share through the database; needed with brokerUrl', secret: true }),
  topicRoot: z
    .string()
    .optional()
    .meta({ description: `Root of all MQTT topics (default ${DEFAULT_TOPIC_ROOT})` }),
  telemetryWindowMs: z.coerce
    .number()
    .int()
    .min(1000)
    .max(3_600_000)
    .default(10_000)
    .meta({ description: 'Length of a telemetry window on devices' }),
  retainRecordsDays: days(7, 'Records of telemetry are kept as devices sent them for this long'),
  retainDeviceSumsDays: days(7, 'Sums of five minutes of each device are kept for this long; gates of rollouts rest on them'),
  retainSumsDays: days(90, 'Sums of five minutes of each release, profile and site are kept for this long'),
  retainHoursDays: days(730, 'Sums of an hour are kept for this long'),
  retainAnalysisDays: days(90, 'Looks of rollouts at their metrics are kept for this long; what they came to is kept for good'),
  telemetryMebibytesMaximum: z.coerce.number().int().min(64).max(1_073_741_824).optional().meta({
    description:
      'Telemetry takes no more than this, the oldest goes first; 2048 by default with the embedded database, else without a limit',
  }),
  ingestMebibytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(4096)
    .default(64)
    .meta({ description: 'Telemetry that may wait for the database; what comes beyond is left on devices, least valuable first' }),
  traceRatio: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0)
    .meta({ description: 'Share of the items whose way through the pipelines of devices is recorded, span by span; 0: none' }),
  otlpEndpoint: z
    .url()
    .refine((url) => /^https?:/.test(url), 'use http:// or https://')
    .optional()
    .meta({ description: 'OpenTelemetry collector that gets the traces of devices, by OTLP over HTTP: its address without /v1/traces' }),
  otlpHeaders: z
    .string()
    .regex(/^[^=,\s]+=[^,]*(,[^=,\s]+=[^,]*)*$/, 'write name=value, separated by commas')
    .optional()
    .meta({
      description:
        'Headers for the collector, such as authorization=Bearer ..., separated by commas; better by the environment or the file',
    }),
  buildConcurrency: z.coerce.number().int().min(1).max(64).default(1).meta({ description: 'Builds at once; each takes all cores' }),
  buildMethods: buildMethodsSchema
    .default(everyMethod)
    .meta({ description: 'Methods by which every model version is built where they fit, separated by commas; others when asked for' }),
  buildMemoryMebibytes: z.coerce
    .number()
    .int()
    .min(128)
    .max(1_048_576)
    .default(4096)
    .meta({ description: 'Memory that one build may have; it is ended when it takes more' }),
  weightsMebibytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(BLOB_BYTES_MAXIMUM / 1024 ** 2)
    .default(BLOB_BYTES_MAXIMUM / 1024 ** 2)
    .meta({ description: 'Largest file of weights that is taken, of a model that one ONNX file of 2 GiB cannot hold' }),
  modelFileMebibytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(2047)
    .default(2047)
    .meta({ description: 'Largest ONNX file that is built; above it the weights become a file of their own, which browsers do not load' }),
  measureDevicesPerProfile: z.coerce.number().int().min(0).max(100).default(3).meta({
    description:
      'Devices of each profile that the fleet has measure every artefact of what they run; 0: nobody, unless somebody asks for a model',
  }),
  measureMebibytesPerDay: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_048_576)
    .default(256)
    .meta({ description: 'What one device may have to fetch for that in a day' }),
  measureLoadShare: z.coerce
    .number()
    .min(0.01)
    .max(1)
    .default(0.25)
    .meta({ description: 'Share of the processor of a device that it may take, and by which live pipelines may get slower' }),
  measureIdleShare: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .meta({ description: 'Share of the processor that has to be idle to start' }),
  measureAgainDays: z.coerce
    .number()
    .int()
    .min(1)
    .max(3650)
    .default(30)
    .meta({ description: 'Age at which a measurement is made again; one of another runtime version is at once' }),
  adminEmail: z.email().default('admin@starling.local').meta({ description: 'Login of the first admin' }),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .meta({ description: 'Least severe line of the log: debug, info, warn, error or silent' }),
});
export type FleetConfig = z.infer<typeof configSchema>;

const keys = Object.keys(configSchema.shape) as (keyof FleetConfig)[];
/** Not taken as flags: whoever lists the processes of a machine reads those. */
const isSecret = (key: keyof FleetConfig): boolean => configSchema.shape[key].meta()?.secret === true;
/** Flags that need no value: `--insecure` is `--insecure true`. */
const switches: readonly (keyof FleetConfig)[] = ['insecure'];

/**
 * Flags win over the environment, which wins over the file.
 * @throws StarlingError `invalid-config` that names the setting
 */
export function readConfig(argv: readonly string[], environment: Readonly<Record<string, string | undefined>> = process.env): FleetConfig {
  const flags = readFlags(argv);
  const file = flags.config ?? environment.STARLING_CONFIG;
  const fromEnvironment = Object.fromEntries(
    keys.map((key) => [key, environment[`STARLING_${snake(key)}`]]).filter(([, value]) => value !== undefined),
  );
  const fromFlags = Object.fromEntries(keys.map((key) => [key, flags[kebab(key)]]).filter(([, value]) => value !== undefined));
  const parsed = configSchema.safeParse({ ...(file === undefined ? {} : readFile(file)), ...fromEnvironment, ...fromFlags });
  if (parsed.success) {
    readExternalBroker(parsed.data);
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new StarlingError('invalid-config', `${field}: ${issue?.message ?? 'invalid'}`, { field, hint: 'see starling-fleet --help' });
}

/** What all tools of S3 read from the environment. Secrets are no settings: flags are seen by every user of a machine. */
export function storeEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment;
  return { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN };
}

/** Text of `--help`, from the schema. */
export function configHelp(): string {
  const width = Math.max(...keys.map((key) => kebab(key).length)) + 2;
  const lines = keys.map((key) => {
    const { description } = configSchema.shape[key].meta() ?? {};
    const name = isSecret(key) ? `  ${' '.repeat(2)}${kebab(key).padEnd(width)}` : `  --${kebab(key).padEnd(width)}`;
    return `${name}${description ?? ''}${isSecret(key) ? ' (by the environment or the file alone)' : ''}${defaultText(key)}`;
  });
  return [
    'starling-fleet [options]',
    '',
    'Each option is also an environment variable (STARLING_HTTP_PORT) and a key of the YAML file given by --config.',
    'What is given on the command line wins over the environment, and that over the file.',
    '',
    `  --${'config'.padEnd(width)}YAML file with any of these`,
    ...lines,
  ].join('\n');
}

function defaultText(key: keyof FleetConfig): string {
  const value = configSchema.shape[key].safeParse(undefined).data;
  const text = Array.isArray(value) ? value.join(',') : String(value ?? '');
  return text === '' ? '' : ` (default ${text})`;
}

function readFlags(argv: readonly string[]): Record<string, string | undefined> {
  const flags = keys.filter((key) => !isSecret(key));
  const options = Object.fromEntries([...flags.map(kebab), 'config'].map((name) => [name, { type: 'string' as const }]));
  const isSwitch = (word: string): boolean => switches.some((key) => word === `--${kebab(key)}`);
  const args = argv.map((word, index) => (isSwitch(word) && (argv[index + 1] ?? '--').startsWith('--') ? `${word}=true` : word));
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values as Record<string, string | undefined>;
  } catch (cause) {
    throw new StarlingError('invalid-config', messageOf(cause), { hint: 'see starling-fleet --help', cause });
  }
}

function readFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(parse(readFileSync(path, 'utf8')) ?? {});
  } catch (cause) {
    throw new StarlingError('invalid-config', `${path} cannot be read: ${messageOf(cause)}`, { field: 'config', cause });
  }
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
