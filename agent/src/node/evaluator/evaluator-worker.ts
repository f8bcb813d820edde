import process from 'node:process';
import {
  type EvaluatorReply,
  type EvaluatorRequest,
  type EvaluatorTensor,
  evaluatorRequestSchema,
  isStarlingError,
  messageOf,
  type Problem,
  parseWith,
  StarlingError,
} from '@starling/shared';
import type { Tensor } from '../../core/ports/engine.ts';
import { type Evaluation, openEvaluation } from '../../core/runtime/index.ts';
import { createSystemClock } from '../clock.ts';
import { readAsset } from '../engine/assets.ts';
import { createOnnxRuntime } from '../engine/onnxruntime.ts';
import { createSharpCodec } from '../image-codec.ts';
import { createThreadSandbox } from '../sandbox.ts';

/** The evaluator process: a graph, samples through it, perhaps another graph, until whoever asks goes away. */
const RUN_TIMEOUT_MS = 120_000;

const reply = (message: EvaluatorReply): void => {
  if (process.connected) process.send?.(message);
};
const engine = createOnnxRuntime({
  workerUrl: new URL('../engine/session-worker.ts', import.meta.url),
  runTimeoutMs: RUN_TIMEOUT_MS,
  onHung: (reason) => {
    reply({ type: 'failed', error: { code: 'evaluation-hung', message: reason } });
    process.kill(process.pid, 'SIGKILL');
  },
});
const sandbox = createThreadSandbox(new URL('../engine/script-worker.ts', import.meta.url));
let evaluation: Promise<Evaluation> | undefined;
let work: Promise<void> = Promise.resolve();

process.on('message', (message: unknown) => {
  // One after the other: samples share sessions, and memory stays that of one sample.
  work = work.then(() => answer(message));
});
process.on('disconnect', () => process.exit(0));

async function answer(message: unknown): Promise<void> {
  let id: number | undefined;
  try {
    const request = parseWith(evaluatorRequestSchema, message);
    if (request.type === 'run') id = request.id;
    reply(await replyTo(request));
  } catch (error) {
    reply({ type: 'failed', ...(id === undefined ? {} : { id }), error: problemOf(error) });
  }
}

async function replyTo(request: EvaluatorRequest): Promise<EvaluatorReply> {
  if (request.type === 'open') {
    // Another file of the model takes the place of the one before; the process and what it has loaded of libraries stay.
    const before = await evaluation?.catch(() => undefined);
    await before?.close();
    evaluation = openEvaluation(request, { clock: createSystemClock(), codec: createSharpCodec(), engine, sandbox, readAsset });
    await evaluation;
    return { type: 'opened' };
  }
  if (evaluation === undefined) throw new StarlingError('not-open', 'a sample came before the graph');
  const { outputs, feeds } = await (await evaluation).run(request.input);
  return {
    type: 'ran',
    id: request.id,
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, isTensor(value) ? copyOf(value) : value])),
    feeds: feeds.map((feed) => Object.fromEntries(Object.entries(feed).map(([name, tensor]) => [name, copyOf(tensor)]))),
  };
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'elementType' in value && 'shape' in value && 'data' in value;
}

/** Shared memory does not cross a process boundary. */
function copyOf({ elementType, shape, data }: Tensor): EvaluatorTensor {
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { elementType, shape: [...shape], data: bytes };
}

function problemOf(error: unknown): Problem {
  if (!isStarlingError(error)) return { code: 'evaluation-failed', message: messageOf(error) };
  const { code, message, field, hint } = error;
  return { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}
