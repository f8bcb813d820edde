/** A folder -> the data directory of a fleet with a root published, and who may do what with it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, buildRecipeSchema, generatePrivateKey, privateKeySchema, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { demoModels } from '../demo/models.ts';
import { createOperator, makeApiToken, type Operator } from './operator.ts';
import { type FleetProcess, startFleetProcess } from './processes.ts';
import { growFromSeed } from './seeds.ts';

/** `demo-sources`: the two models of the demo are there as they came; `demo-models`: built with int8 weights as well. */
export type FleetContents = 'root' | 'demo-sources' | 'demo-models';

const knownSchema = z.object({
  login: z.object({ email: z.string(), password: z.string() }),
  /** API token of an admin. */
  token: z.string(),
  keys: z.object({ root: privateKeySchema, publisher: privateKeySchema }),
});
type Known = z.infer<typeof knownSchema>;

export interface KnownFleet extends Known {
  process: FleetProcess;
  operator: Operator;
}

export interface KnownFleetOptions {
  contents?: FleetContents;
  /** Starts the fleet; called again for a fleet that starts again. */
  launch: () => Promise<FleetProcess>;
  /** Of the fleet that `launch` starts. */
  dataDirectory: string;
  /** Where it keeps its rows elsewhere, there is nothing to copy. */
  isElsewhere: boolean;
}

/** Agents of some suites reach the fleet by this address: its certificate names it, so that a copy need not make another. */
export const TAP_HOST = '127.0.0.2';
const ROOT_LIFE_MS = 86_400_000;
const KNOWN_FILE = 'known.json';

/** Starts a fleet that is past its first steps: an admin is signed in, a root is published, and what `contents` says is there. */
export async function startKnownFleet(options: KnownFleetOptions): Promise<KnownFleet> {
  const { contents = 'root', launch, dataDirectory, isElsewhere } = options;
  if (isElsewhere) {
    const process = await launch();
    const known = await introduce(process);
    const operator = operatorOf(process, known);
    for (const step of stepsTo(contents)) await fill(operator, step);
    return { ...known, process, operator };
  }
  const folder = `${dataDirectory}.grown`;
  await growFromSeed(`fleet-${contents}`, folder, (to) => makeFleet(to, contents));
  await rename(join(folder, 'fleet'), dataDirectory);
  const known = await readKnown(folder);
  const process = await launch();
  return { ...known, process, operator: operatorOf(process, known) };
}

/** Each grows from the one before. */
const steps: readonly FleetContents[] = ['root', 'demo-sources', 'demo-models'];

function stepsTo(contents: FleetContents): readonly FleetContents[] {
  return steps.slice(1, steps.indexOf(contents) + 1);
}

async function makeFleet(folder: string, contents: FleetContents): Promise<void> {
  const before = steps[steps.indexOf(contents) - 1];
  if (before === undefined) {
    await mkdir(folder, { recursive: true });
    await whileRunning(folder, async (process) => {
      await writeFile(join(folder, KNOWN_FILE), JSON.stringify(await introduce(process)), { mode: 0o600 });
    });
  } else {
    await growFromSeed(`fleet-${before}`, folder, (to) => makeFleet(to, before));
    const known = await readKnown(folder);
    await whileRunning(folder, (process) => fill(operatorOf(process, known), contents));
  }
}

async function whileRunning(folder: string, work: (process: FleetProcess) => Promise<void>): Promise<void> {
  const flags = { 'log-level': 'warn', names: TAP_HOST, 'build-methods': 'source' };
  const process = await startFleetProcess({ dataDirectory: join(folder, 'fleet'), flags });
  try {
    await work(process);
  } finally {
    await process.stop();
  }
}

async function introduce({ ready }: FleetProcess): Promise<Known> {
  const { addresses, firstLogin } = ready;
  if (firstLogin === undefined) throw new StarlingError('no-first-login', 'a new fleet has to make a first login');
  const token = await makeApiToken(addresses.http, firstLogin, 'test');
  const [root, publisher] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
  const keys = { root, publisher };
  const operator = createOperator({ baseUrl: addresses.http, token, keys });
  await operator.publishRoot({ nowMs: Date.now(), lifeMs: ROOT_LIFE_MS, demo: true });
  return { login: firstLogin, token, keys };
}

/** What a step adds to the one before. */
async function fill(operator: Operator, step: FleetContents): Promise<void> {
  const { client } = operator;
  const query = { limit: demoModels.length };
  const recipe = buildRecipeSchema.parse({ method: 'weights-int8' });
  if (step === 'demo-sources') for (const files of demoModels) await operator.pushModel(files);
  const { items } = await client.call(api.listModels, { query });
  for (const { digest } of items) {
    if (step === 'demo-models') await client.call(api.addBuild, { params: { digest }, body: { recipe } });
  }
  for (const { digest } of items) await operator.waitForBuilds(digest);
}

function operatorOf({ ready }: FleetProcess, { token, keys }: Known): Operator {
  return createOperator({ baseUrl: ready.addresses.http, token, keys });
}

async function readKnown(folder: string): Promise<Known> {
  return knownSchema.parse(JSON.parse(await readFile(join(folder, KNOWN_FILE), 'utf8')));
}
