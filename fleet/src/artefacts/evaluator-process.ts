import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type EvaluatorReply,
  type EvaluatorRequest,
  type EvaluatorTensor,
  evaluatorReplySchema,
  type Problem,
  parseWith,
  StarlingError,
} from '@starling/shared';
import { Tensor } from 'onnxruntime-node';
import type { Feeds } from './contracts.ts';

/** The evaluator is a program of the agent: started by its place, never imported. */
const program = fileURLToPath(new URL('../../../agent/src/node/evaluator/evaluator-worker.ts', import.meta.url));

export interface EvaluatedSample {
  /** By pipeline output; tensors as `EvaluatorTensor`. */
  outputs: Record<string, unknown>;
  /** Inputs of each run of the recorded model. */
  feeds: Feeds[];
}

export type EvaluatorPlan = Omit<Extract<EvaluatorRequest, { type: 'open' }>, 'type'>;

/** The agent's pipeline engine in a process that ends with `close`; one graph is loaded at a time. */
export interface Evaluator {
  /** Loads a graph and its models in the place of the one before. @throws StarlingError of the graph or of a model */
  open(plan: EvaluatorPlan): Promise<void>;
  /** @throws StarlingError with the code of the node that failed; the evaluator stays usable */
  run(input: Uint8Array): Promise<EvaluatedSample>;
  close(): void;
}

type Waiting = { resolve: (reply: EvaluatorReply) => void; reject: (error: unknown) => void };

/** Starts an evaluator. Its calls end with `evaluator-crashed` if the process dies, and with `cancelled` when the signal comes. */
export function startEvaluator(signal?: AbortSignal): Evaluator {
  signal?.throwIfAborted();
  const child = fork(program, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const waiting = new Map<number, Waiting>();
  const failAll = (error: unknown): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const close = (): void => {
    signal?.removeEventListener('abort', cancel);
    child.removeAllListeners();
    child.kill('SIGKILL');
  };
  const cancel = (): void => {
    close();
    failAll(new StarlingError('cancelled', 'the evaluation was cancelled'));
  };
  signal?.addEventListener('abort', cancel, { once: true });
  child.on('message', (message: unknown) => settle(parseWith(evaluatorReplySchema, message), waiting));
  child.on('exit', (code, killedBy) => {
    const hint = 'the model may be damaged or too large for the memory of the fleet';
    failAll(new StarlingError('evaluator-crashed', `the evaluator ended with ${killedBy ?? String(code)}`, { field: 'model', hint }));
  });
  const ask = (id: number, request: EvaluatorRequest): Promise<EvaluatorReply> => askChild(child, waiting, id, request);
  let nextId = OPENING + 1;
  return {
    async open(plan) {
      await ask(OPENING, { type: 'open', ...plan });
    },
    async run(input) {
      const id = nextId;
      nextId += 1;
      const reply = await ask(id, { type: 'run', id, input: Uint8Array.from(input) });
      if (reply.type !== 'ran') throw new StarlingError('evaluation-failed', `unexpected answer ${reply.type}`);
      return { outputs: reply.outputs, feeds: reply.feeds.map(feedsOf) };
    },
    close,
  };
}

/** The id under which the answer to `open` is awaited. */
const OPENING = 0;

function askChild(child: ChildProcess, waiting: Map<number, Waiting>, id: number, request: EvaluatorRequest): Promise<EvaluatorReply> {
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    child.send(request, (cause) => {
      if (cause === null || !waiting.delete(id)) return;
      reject(new StarlingError('evaluator-crashed', 'the evaluator is gone', { cause }));
    });
  });
}

function settle(reply: EvaluatorReply, waiting: Map<number, Waiting>): void {
  const id = reply.type === 'opened' ? OPENING : (reply.id ?? OPENING);
  const call = waiting.get(id);
  waiting.delete(id);
  if (reply.type === 'failed') call?.reject(errorOf(reply.error));
  else call?.resolve(reply);
}

function errorOf({ code, message, field, hint }: Problem): StarlingError {
  return new StarlingError(code, message, { ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) });
}

function feedsOf(feed: Record<string, EvaluatorTensor>): Feeds {
  return Object.fromEntries(Object.entries(feed).map(([name, tensor]) => [name, tensorOf(tensor)]));
}

/** A tensor of the evaluator as ONNX Runtime takes it. @throws StarlingError `unsupported-type` for types that no pipeline makes */
export function tensorOf({ elementType, shape, data }: EvaluatorTensor): Tensor {
  // What came over the boundary lies at any offset, elements need one that is a multiple of their size.
  const { buffer } = Uint8Array.from(data);
  switch (elementType) {
    case 'float32':
      return new Tensor('float32', new Float32Array(buffer), shape);
    case 'int64':
      return new Tensor('int64', new BigInt64Array(buffer), shape);
    case 'int32':
      return new Tensor('int32', new Int32Array(buffer), shape);
    case 'uint8':
      return new Tensor('uint8', new Uint8Array(buffer), shape);
    default:
      throw new StarlingError('unsupported-type', `a sample gave a tensor of type ${elementType}`, {
        hint: 'float32, int64, int32 and uint8 can be fed',
      });
  }
}
