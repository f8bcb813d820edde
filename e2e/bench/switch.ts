import { pipelineSchema, releaseSchema, StarlingError } from '@starling/shared';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { type Measure, median, type Say } from './result.ts';
import { startRuntimeHost, withFolder } from './runtime.ts';

const SWITCHES = 100;
const IN_FLIGHT = 8;
/** Between two switches, so that each meets items under way. */
const PAUSE_MS = 20;
const NO_DIGEST = '0'.repeat(64);

/** What became of the items that were sent while releases took over from each other. */
interface Tally {
  sent: number;
  /** Answers by item; a second answer would show. */
  answered: Map<number, number>;
  /** Values at the sink by item. */
  delivered: Map<number, number>;
  failed: string[];
  waitsMs: number[];
}

/** Two versions of a pipeline in a real runtime host, under load, that take over from each other again and again. */
export function measureSwitch(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const host = startRuntimeHost(folder, 1);
    const tally: Tally = { sent: 0, answered: new Map(), delivered: new Map(), failed: [], waitsMs: [] };
    host.onEvent((event) => {
      if (event.type !== 'deliver') return;
      const id = event.values['value'] as number;
      tally.delivered.set(id, (tally.delivered.get(id) ?? 0) + 1);
    });
    try {
      const switchMs = await switchUnderLoad(host, tally, say);
      return measuresOf(tally, switchMs);
    } finally {
      await host.close();
    }
  });
}

async function switchUnderLoad(host: RuntimeHost, tally: Tally, say: Say): Promise<number[]> {
  const versions = [releaseOf('1.0.0'), releaseOf('2.0.0')] as const;
  await host.load(versions[0]);
  await host.activate(versions[0].key);
  let isOver = false;
  const load = Promise.all(Array.from({ length: IN_FLIGHT }, () => sendUntil(host, tally, () => isOver)));
  const switchMs: number[] = [];
  for (let round = 0; round < SWITCHES; round += 1) {
    const [from, to] = round % 2 === 0 ? versions : [versions[1], versions[0]];
    const startedMs = performance.now();
    await host.load(to);
    await host.activate(to.key);
    await host.unload(from.key);
    switchMs.push(performance.now() - startedMs);
    if ((round + 1) % 20 === 0) say(`${round + 1} switches, ${tally.sent} items`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  isOver = true;
  await load;
  return switchMs;
}

async function sendUntil(host: RuntimeHost, tally: Tally, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const id = tally.sent;
    tally.sent += 1;
    const startedMs = performance.now();
    try {
      const { outputs } = await host.infer({ ports: { 'input.value': id } }, { source: 'bench' });
      if (outputs['value'] !== id) throw new StarlingError('bench-invalid', `item ${id} was answered with ${String(outputs['value'])}`);
      tally.answered.set(id, (tally.answered.get(id) ?? 0) + 1);
      tally.waitsMs.push(performance.now() - startedMs);
    } catch (error) {
      tally.failed.push(String(error));
    }
  }
}

function releaseOf(version: string): InstalledRelease {
  const pipeline = pipelineSchema.parse({
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'switched', version },
    ...{ inputs: { value: 'json' }, outputs: { value: 'json' } },
    nodes: { pass: { op: 'flow.filter', params: { when: 'value >= 0' } }, keep: { sink: 'file', params: { folder: 'kept' } } },
    edges: [
      { from: 'input.value', to: 'pass.value' },
      { from: 'pass.value', to: 'output.value' },
      { from: 'pass.value', to: 'keep.value' },
    ],
    queue: { length: 4 * IN_FLIGHT, policy: 'block' },
  });
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'bench', name: `switched-${version[0]}`, createdAtMs: 0, models: [] },
    pipeline: { name: pipeline.name, version, digest: NO_DIGEST },
    policies: { egress: { outputs: ['value'] } },
  });
  return { key: version, digest: NO_DIGEST, release, pipeline, models: [], assets: {}, telemetryWindowMs: 10_000 };
}

function measuresOf({ sent, answered, delivered, failed, waitsMs }: Tally, switchMs: readonly number[]): Measure[] {
  const ids = Array.from({ length: sent }, (_, id) => id);
  const lost = ids.filter((id) => !answered.has(id) || !delivered.has(id)).length;
  const doubled = ids.filter((id) => (answered.get(id) ?? 0) > 1 || (delivered.get(id) ?? 0) > 1).length;
  if (failed.length > 0) throw new StarlingError('bench-invalid', `${failed.length} items failed, the first with ${failed[0] ?? ''}`);
  const sorted = waitsMs.toSorted((a, b) => a - b);
  return [
    { name: 'switches under load', value: switchMs.length, unit: 'switches', target: SWITCHES },
    { name: 'items lost, of answers and of values at the sink', value: lost, unit: 'items', target: 0, better: 'lower' },
    { name: 'items doubled', value: doubled, unit: 'items', target: 0, better: 'lower' },
    { name: 'items meanwhile', value: sent, unit: 'items' },
    { name: 'a switch: load, take over, unload', value: median(switchMs), unit: 'ms' },
    { name: 'longest answer', value: sorted.at(-1) ?? 0, unit: 'ms' },
  ];
}
