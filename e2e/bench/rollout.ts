import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolloutSpecSchema } from '@starling/shared';
import { type Database, type OpenDatabase, openDatabase } from '../../fleet/src/db/index.ts';
import { createExampleFleet } from '../../fleet/src/rollouts/example-fleet.ts';
import { startPostgres } from '../harness/postgres.ts';
import { findProgram } from '../harness/requires.ts';
import { type BenchOptions, inParts } from './parts.ts';
import type { Findings, Measure, Say } from './result.ts';
import { measureGates } from './rollout-gates.ts';
import { measureLooks } from './rollout-looks.ts';
import { measureRolloutOut } from './rollout-out.ts';

const TARGETS = 100_000;
const IN_FLIGHT = 5_000;
const SITES = 256;
const PASSES = 5;

/** A rollout over 100,000 devices, and desired states out to 10,000 that are connected. */
export function measureRollout(say: Say, options: BenchOptions): Promise<Findings> {
  return inParts(
    {
      'embedded-database': () => onEmbedded(say),
      postgres: () => onServer(say, ({ db }) => measureRows('Postgres', db, say)),
      looks: () => onServer(say, (opened) => measureLooks(opened, say)),
      out: () => measureRolloutOut(say),
      gates: () => measureGates(say),
    },
    say,
    options.parts,
  );
}

async function onEmbedded(say: Say): Promise<Measure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-rollout-bench-'));
  const { db, close } = await openDatabase({ directory });
  try {
    return await measureRows('embedded database', db, say);
  } finally {
    await close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function onServer(say: Say, measure: (opened: OpenDatabase) => Promise<Measure[]>): Promise<Measure[]> {
  const program = findProgram('postgres');
  if (program === undefined) {
    say('this machine has no Postgres');
    return [];
  }
  const server = await startPostgres(program);
  try {
    const opened = await openDatabase({ url: server.url, directory: tmpdir() });
    const measures = await measure(opened);
    await opened.close();
    return measures;
  } finally {
    await server.stop();
  }
}

async function measureRows(name: string, db: Database, say: Say): Promise<Measure[]> {
  const fleet = createExampleFleet({ db });
  fleet.clock.add(Date.now() - fleet.clock.nowMs());
  say(`${name}: ${TARGETS} devices`);
  await fleet.addDevices(TARGETS, { labels: (index) => ({ site: `site-${index % SITES}` }) });
  const timed = async <Result>(work: () => Promise<Result>): Promise<{ seconds: number; result: Result }> => {
    const startedMs = performance.now();
    const result = await work();
    return { seconds: (performance.now() - startedMs) / 1000, result };
  };
  const spec = rolloutSpecSchema.parse({
    ...{ name: 'bench', release: 'two', selector: 'true', canary: { count: 0 }, steps: [{ setPercent: 100 }] },
    ...{ maxInFlight: IN_FLIGHT, spread: { label: 'site', maxInFlight: 100 } },
  });
  const { seconds: create } = await timed(() => fleet.rollouts.create(spec, true, fleet.actor('bench')));
  say(`${name}: created in ${create.toFixed(2)} s`);
  // The first passes fill what may be in flight; then devices work, and each pass settles and starts as many.
  await fleet.rollouts.pass();
  const passes: number[] = [];
  const idle: number[] = [];
  for (let pass = 0; pass < PASSES; pass += 1) {
    await fleet.work();
    const { seconds } = await timed(() => fleet.rollouts.pass());
    passes.push(seconds);
    idle.push((await timed(() => fleet.rollouts.pass())).seconds);
    const { counts } = await fleet.rollouts.show('bench');
    say(
      `${name}: pass ${pass + 1}: ${seconds.toFixed(2)} s, then ${idle.at(-1)?.toFixed(2)} s with nothing to do; ${counts.succeeded} succeeded, ${counts.assigned} in flight`,
    );
  }
  return [
    { name: `${name}: create a rollout with ${TARGETS} devices`, value: create, unit: 's', target: 5, better: 'lower' },
    {
      name: `${name}: one pass that settles and starts ${IN_FLIGHT} of ${TARGETS}`,
      value: Math.max(...passes),
      unit: 's',
      target: 2,
      better: 'lower',
    },
    { name: `${name}: one pass with nothing to do`, value: Math.max(...idle), unit: 's', target: 2, better: 'lower' },
  ];
}
