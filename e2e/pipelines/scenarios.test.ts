/** The public scenarios of Seldon Core 2 (tests/integration/godog/features), with real ONNX models in the engine of the agent. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipelineGraphSchema } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Engine, Tensor } from '../../agent/src/core/ports/engine.ts';
import { openEvaluation } from '../../agent/src/core/runtime/index.ts';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { readAsset } from '../../agent/src/node/engine/assets.ts';
import { createOnnxRuntime } from '../../agent/src/node/engine/onnxruntime.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import { writeToyModels } from './toy-models.ts';

let folder: string;
let models: Awaited<ReturnType<typeof writeToyModels>>;
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-scenarios-'));
  models = await writeToyModels(folder);
  const workerUrl = new URL('../../agent/src/node/engine/session-worker.ts', import.meta.url);
  engine = createOnnxRuntime({ workerUrl, runTimeoutMs: 60_000, onHung: (reason) => expect.unreachable(reason) });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

type Graph = z.input<typeof pipelineGraphSchema>;

/** Runs a graph once and gives the numbers of its outputs. */
async function run(document: Graph, inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, number[]>> {
  const graph = pipelineGraphSchema.parse(document);
  const used = new Set(Object.values(graph.nodes).flatMap((node) => ('model' in node ? [node.model] : [])));
  const plan = { graph, models: Object.fromEntries(Object.entries(models).filter(([name]) => used.has(name))), exact: [], threads: 1 };
  const evaluation = await openEvaluation(plan, { clock: createSystemClock(), codec: createSharpCodec(), engine, readAsset });
  try {
    const ports = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [`input.${name}`, tensor]));
    const { outputs } = await evaluation.run({ ports });
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Array.from((tensor as Tensor).data, Number)]));
  } finally {
    await evaluation.close();
  }
}

const count = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);
const integers: Tensor = { elementType: 'int32', shape: [1, 16], data: Int32Array.from(count(16)) };
const floats: Tensor = { elementType: 'float32', shape: [4], data: Float32Array.from(count(4)) };
const choice = (value: number): Tensor => ({ elementType: 'int32', shape: [1], data: Int32Array.of(value) });
const integerType = 'tensor<int32,[1,16]>';
const floatType = 'tensor<float32,[4]>';

/** Both inputs of a model from the inputs of the pipeline. */
const fed = (node: string): Graph['edges'] => ['INPUT0', 'INPUT1'].map((port) => ({ from: `input.${port}`, to: `${node}.${port}` }));
const given = (node: string): Graph['edges'] => ['OUTPUT0', 'OUTPUT1'].map((port) => ({ from: `${node}.${port}`, to: `output.${port}` }));
const simplePorts = {
  inputs: { INPUT0: integerType, INPUT1: integerType },
  outputs: { OUTPUT0: integerType, OUTPUT1: integerType },
};

test('a chain from outputs: twice the input, twice', async () => {
  const chain: Graph = {
    ...simplePorts,
    nodes: { a: { model: 'simple' }, b: { model: 'simple' } },
    edges: [...fed('a'), { from: 'a.OUTPUT0', to: 'b.INPUT0' }, { from: 'a.OUTPUT1', to: 'b.INPUT1' }, ...given('b')],
  };
  const doubled = count(16).map((value) => 2 * value);
  expect(await run(chain, { INPUT0: integers, INPUT1: integers })).toEqual({ OUTPUT0: doubled, OUTPUT1: doubled });
});

test('a chain from an input and an output: the input, twice', async () => {
  const chain: Graph = {
    ...simplePorts,
    nodes: { a: { model: 'simple' }, b: { model: 'simple' } },
    edges: [...fed('a'), { from: 'input.INPUT0', to: 'b.INPUT0' }, { from: 'a.OUTPUT1', to: 'b.INPUT1' }, ...given('b')],
  };
  expect(await run(chain, { INPUT0: integers, INPUT1: integers })).toEqual({ OUTPUT0: count(16), OUTPUT1: count(16) });
});

test('an inner join of two models', async () => {
  const join: Graph = {
    ...simplePorts,
    nodes: { a: { model: 'simple' }, b: { model: 'simple' }, c: { model: 'simple' } },
    edges: [...fed('a'), ...fed('b'), { from: 'a.OUTPUT0', to: 'c.INPUT0' }, { from: 'b.OUTPUT1', to: 'c.INPUT1' }, ...given('c')],
  };
  const doubled = count(16).map((value) => 2 * value);
  expect(await run(join, { INPUT0: integers, INPUT1: integers })).toEqual({ OUTPUT0: doubled, OUTPUT1: doubled });
});

test('inputs of the pipeline by tensor, and both results under their own names', async () => {
  const both: Graph = {
    inputs: { INPUT0: floatType, INPUT1: floatType },
    outputs: { multiplied: floatType, added: floatType },
    nodes: { mul10: { model: 'mul10' }, add10: { model: 'add10' } },
    edges: [
      { from: 'input.INPUT0', to: 'mul10.INPUT' },
      { from: 'input.INPUT1', to: 'add10.INPUT' },
      { from: 'mul10.OUTPUT', to: 'output.multiplied' },
      { from: 'add10.OUTPUT', to: 'output.added' },
    ],
  };
  expect(await run(both, { INPUT0: floats, INPUT1: floats })).toEqual({ multiplied: [10, 20, 30, 40], added: [11, 12, 13, 14] });
});

test.each([
  [0, [10, 20, 30, 40]],
  [1, [11, 12, 13, 14]],
])('conditional by which tensor is emitted: with CHOICE %i one branch runs, and nobody waits for the other', async (chosen, expected) => {
  const conditional: Graph = {
    inputs: { CHOICE: 'tensor<int32,[1]>', INPUT0: floatType, INPUT1: floatType },
    outputs: { OUTPUT: floatType },
    nodes: { conditional: { model: 'conditional', emptyIsAbsent: true }, mul10: { model: 'mul10' }, add10: { model: 'add10' } },
    edges: [
      { from: 'input.CHOICE', to: 'conditional.CHOICE' },
      ...fed('conditional'),
      { from: 'conditional.OUTPUT0', to: 'mul10.INPUT' },
      { from: 'conditional.OUTPUT1', to: 'add10.INPUT' },
      { from: 'mul10.OUTPUT', to: 'output.OUTPUT' },
      { from: 'add10.OUTPUT', to: 'output.OUTPUT' },
    ],
  };
  expect(await run(conditional, { CHOICE: choice(chosen), INPUT0: floats, INPUT1: floats })).toEqual({ OUTPUT: expected });
});

test('triggers: a model runs when any of them is present, and their data is not passed on', async () => {
  const triggered: Graph = {
    inputs: { INPUT: floatType, ok1: floatType, ok2: floatType, ok3: floatType },
    outputs: { OUTPUT: floatType },
    nodes: {
      mul10: { model: 'mul10', triggers: ['input.ok1', 'input.ok2'], triggersJoin: 'any' },
      add10: { model: 'add10', triggers: ['input.ok3'] },
    },
    edges: [
      { from: 'input.INPUT', to: 'mul10.INPUT' },
      { from: 'input.INPUT', to: 'add10.INPUT' },
      { from: 'mul10.OUTPUT', to: 'output.OUTPUT' },
      { from: 'add10.OUTPUT', to: 'output.OUTPUT' },
    ],
  };
  expect(await run(triggered, { INPUT: floats, ok1: floats })).toEqual({ OUTPUT: [10, 20, 30, 40] });
  expect(await run(triggered, { INPUT: floats, ok3: floats })).toEqual({ OUTPUT: [11, 12, 13, 14] });
  expect(await run(triggered, { INPUT: floats })).toEqual({});
});
