import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { isStarlingError, messageOf } from '@starling/shared';
import { buildArtefact } from './build/build-artefact.ts';
import type { BuildReply, BuildRequest } from './build-messages.ts';
import { inspectModel } from './inspect.ts';

/** The builder process: one request, its progress and its answer, then it ends and gives all memory back. */
const reply = (message: BuildReply): Promise<void> => new Promise((resolve) => process.send?.(message, () => resolve()));

// The fleet that asked is gone: nobody would take the answer.
process.once('disconnect', () => process.exit(1));
new Worker(new URL('./orphan-worker.ts', import.meta.url), { workerData: { parent: process.ppid } }).unref();
process.once('message', (request: BuildRequest) => {
  answer(request)
    .catch((error: unknown): BuildReply => {
      if (!isStarlingError(error)) return { type: 'failed', code: 'build-failed', message: messageOf(error) };
      const { code, message, field, hint } = error;
      return { type: 'failed', code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
    })
    .then(reply)
    .finally(() => process.exit(0));
});

async function answer(request: BuildRequest): Promise<BuildReply> {
  if (request.type === 'inspect') return { type: 'inspected', inspection: await inspectModel(request.file, request.weights) };
  const onProgress = (percent: number, step: string): void => void reply({ type: 'progress', percent, step });
  const log = (line: string): void => void reply({ type: 'log', line });
  return { type: 'built', artefact: await buildArtefact({ ...request, onProgress, log }) };
}
