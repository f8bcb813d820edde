import {
  cyclesAcrossPlaces,
  graphAtHome,
  graphOfPart,
  INPUT_NODE,
  isStarlingError,
  type PipelineNode,
  splitByPlace,
} from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BoundNode,
  createGraph,
  createVirtualClock,
  createWorkQueue,
  planGraph,
  type VirtualClock,
} from '../../agent/src/core/pipelines/index.ts';
import {
  bindParts,
  createPartStreams,
  type OpenPart,
  type PartStreams,
  type PlacedPipeline,
} from '../../agent/src/core/placement/index.ts';
import { scaled, testSeed } from '../harness/scale.ts';
import { bindBehaviour } from './bind-behaviour.ts';
import { createInterpreter, type Outcome } from './naive-interpreter.ts';
import { graphFrom, type NodeBehaviour, type RandomGraph, tape } from './random-graph.ts';

const runs = { numRuns: scaled(2_000), seed: testSeed() };
/**
 * After so many the connection holds: what is cut each time before anything has come through never gets anywhere. A cut, and finding out
 * what was lost in it, takes up to four seconds: all of them together stay below the patience of 30 seconds, after which an item fails.
 */
const CUTS_MAXIMUM = 6;
const PLACES = ['device', 'cloud', 'group:gpu'] as const;
const [HOME, CLOUD, GROUP] = ['a', 'b', 'c'].map((letter) => letter.repeat(26)) as [string, string, string];

interface Entry {
  values: Record<string, number>;
  stream: string;
}

const entries = fc.array(
  fc.record({
    values: fc.dictionary(fc.constantFrom('input.a', 'input.b', 'input.c'), fc.nat(1000), { maxKeys: 3 }),
    stream: fc.constantFrom('left', 'right'),
  }),
  { minLength: 1, maxLength: 12 },
);

/** What the way between the machines does to messages: of each piece, and of the connection from time to time. */
interface Weather {
  delayMs: number;
  /** Of a hundred pieces. */
  lost: number;
  repeated: number;
  /** The connection of the home is away for this long, after each so many pieces; 0: never. */
  cutEvery: number;
  cutMs: number;
  seed: number;
}

const weather: fc.Arbitrary<Weather> = fc.record({
  delayMs: fc.nat(300),
  lost: fc.constantFrom(0, 0, 3, 10),
  repeated: fc.constantFrom(0, 10, 50),
  cutEvery: fc.constantFrom(0, 0, 3, 17),
  cutMs: fc.integer({ min: 1, max: 2_000 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

/** Nodes on one circle are at one place; else the release would be refused. */
function placed({ graph }: RandomGraph, places: readonly number[]): PlacedPipeline {
  const names = Object.keys(graph.nodes);
  const nodes: Record<string, PipelineNode> = Object.fromEntries(
    names.map((name, index) => [
      name,
      { ...(graph.nodes[name] as PipelineNode), on: PLACES[(places[index] ?? 0) % PLACES.length] as string },
    ]),
  );
  for (const {
    nodes: circle,
    places: [first],
  } of cyclesAcrossPlaces({ nodes, edges: graph.edges }))
    for (const name of circle) nodes[name] = { ...(nodes[name] as PipelineNode), on: first as string };
  return { ...graph, nodes, name: 'random', deadlineMs: undefined, inner: {}, aliases: {} };
}

/** Machines in one process, with weather between them. */
function connect(clock: VirtualClock, { delayMs, lost, repeated, cutEvery, cutMs, seed }: Weather, openPart: (part: string) => OpenPart) {
  let state = seed;
  const chance = (percent: number): boolean => {
    state = (state * 48_271) % 2_147_483_647;
    return state % 100 < percent;
  };
  let bytesSeed = 0;
  const random = {
    number: () => 0.5,
    bytes(count: number) {
      bytesSeed += 1;
      return new Uint8Array(count).fill(bytesSeed);
    },
  };
  const machines = new Map<string, PartStreams>();
  let isOnline = true;
  let epoch = 0;
  let pieces = 0;
  let cuts = 0;
  const setOnline = (value: boolean): void => {
    isOnline = value;
    epoch += 1;
    machines.get(HOME)?.setPlacement({ isOnline, workers: { cloud: CLOUD, 'group:gpu': GROUP }, grant: '' });
  };
  const emitFrom =
    (from: string) =>
    (to: string, topic: { pipeline: string; part: string }, payload: Uint8Array): void => {
      pieces += 1;
      if (cutEvery > 0 && pieces % cutEvery === 0 && isOnline && cuts < CUTS_MAXIMUM) {
        cuts += 1;
        clock.after(0, () => setOnline(false));
        clock.after(cutMs, () => setOnline(true));
      }
      if (!isOnline || chance(lost)) return;
      const sentIn = epoch;
      for (let copy = 0; copy < (chance(repeated) ? 2 : 1); copy += 1) {
        clock.after(delayMs, () => {
          if (sentIn === epoch) machines.get(to)?.receive(from, topic, payload);
        });
      }
    };
  for (const machine of [HOME, CLOUD, GROUP]) {
    machines.set(machine, createPartStreams({ clock, random, emit: emitFrom(machine), openPart: (_home, { part }) => openPart(part) }));
  }
  setOnline(true);
  return machines.get(HOME) as PartStreams;
}

async function runOnMachines(random: RandomGraph, places: readonly number[], items: readonly Entry[], sky: Weather): Promise<Outcome[]> {
  const clock = createVirtualClock();
  const pipeline = placed(random, places);
  const parts = splitByPlace(pipeline);
  const bound = (name: string): BoundNode => bindBehaviour(random.behaviours[name] as NodeBehaviour, clock);
  const streams = connect(clock, sky, (part) => {
    const found = parts.find(({ name }) => name === part);
    const graph = createGraph(planGraph(graphOfPart(pipeline, found as (typeof parts)[number]), bound), { clock });
    return {
      run: ({ values, ...item }) =>
        graph
          .run({ ...item, values: Object.fromEntries(Object.entries(values).map(([port, value]) => [`${INPUT_NODE}.${port}`, value])) })
          .then(({ outputs }) => outputs),
      close: () => undefined,
    };
  });
  const away = bindParts(pipeline, parts, {
    ...{ clock, streams, gate: { allowsStream: () => true }, prefix: '', release: 'f'.repeat(64), isBeside: false },
    optionalOf: (name) => random.behaviours[name]?.optional ?? [],
  });
  const engine = createGraph(
    planGraph(graphAtHome(pipeline, parts), (name) => away.part(name) ?? bound(name)),
    { clock },
  );
  const queue = createWorkQueue({ length: items.length, policy: 'block', concurrency: 4 });
  let open = items.length;
  const outcomes = items.map(({ values, stream }) => {
    const known = Object.fromEntries(
      Object.entries(values).filter(([name]) => Object.hasOwn(pipeline.inputs, name.slice('input.'.length))),
    );
    return queue
      .push(() => engine.run({ values: known, stream, timeMs: 0 }))
      .then(({ outputs }): Outcome => ({ outputs }))
      .catch(
        (error: unknown): Outcome => ({
          failedAt: isStarlingError(error) ? `${error.field} ${error.code} ${error.message}` : String(error),
        }),
      )
      .finally(() => {
        open -= 1;
      });
  });
  for (let idle = 0; open > 0; ) {
    await new Promise((resolve) => setImmediate(resolve));
    idle = clock.advance() ? 0 : idle + 1;
    if (idle > 3) expect.unreachable(`${open} items wait for ever in ${JSON.stringify(pipeline)}`);
  }
  expect(engine.underWay).toBe(0);
  return Promise.all(outcomes);
}

test('graphs on several machines give what they give on one, whatever the weather between them', { timeout: 1_200_000 }, async () => {
  let partsSeen = 0;
  await fc.assert(
    fc.asyncProperty(tape, fc.array(fc.nat(2), { maxLength: 9 }), entries, weather, async (numbers, places, items, sky) => {
      const random = graphFrom(numbers, { timed: false });
      partsSeen += splitByPlace(placed(random, places)).length;
      const interpret = createInterpreter(random);
      const expected = items.map(({ values, stream }) => interpret(values, stream));
      expect(await runOnMachines(random, places, items, sky)).toEqual(expected);
    }),
    runs,
  );
  // Otherwise it has shown nothing.
  expect(partsSeen).toBeGreaterThan(runs.numRuns);
});
