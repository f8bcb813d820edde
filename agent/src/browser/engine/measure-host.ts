import '../content-security.ts';
import { StarlingError } from '@starling/shared';
import { failureOf } from '../../core/hosting/index.ts';
import type { EngineSession, Tensor } from '../../core/ports/engine.ts';
import { goldenFeeds, openOnLadder, readGolden, replayGolden } from '../../core/sessions/index.ts';
import { openFolder, readFile } from '../private-folder.ts';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';
import { createOnnxRuntime } from './onnxruntime.ts';

/** One model alone in a worker, with an engine of its own: what fails or hangs there touches no pipeline. */
declare const self: DedicatedWorkerGlobalScope;

let loaded: { session: EngineSession; feeds: Record<string, Tensor> } | undefined;

self.addEventListener('message', ({ data }: MessageEvent<MeasureRequest>) => {
  answer(data)
    .catch((error: unknown): MeasureReply => ({ type: 'failed', error: failureOf(error, 'measure-failed') }))
    .then((reply) => self.postMessage(reply));
});

async function answer(request: MeasureRequest): Promise<MeasureReply> {
  if (request.call === 'open') return { type: 'opened', opened: await open(request) };
  if (loaded === undefined) throw new StarlingError('not-loaded', 'no model is open');
  const { session, feeds } = loaded;
  const startedMs = performance.now();
  const timesMs: number[] = [];
  for (let run = 0; run < request.runs; run += 1) {
    const runMs = performance.now();
    await session.run(feeds);
    timesMs.push(performance.now() - runMs);
  }
  return { type: 'ran', burst: { timesMs, wallMs: performance.now() - startedMs, cpuSeconds: null, peakMemoryBytes: null } };
}

async function open({ home, providers, threads, model, ladder }: Extract<MeasureRequest, { call: 'open' }>) {
  const blobs = await openFolder(home, 'blobs');
  const readModel = async (location: string): Promise<Uint8Array> => {
    const bytes = await readFile(blobs, location);
    if (bytes === undefined) throw new StarlingError('load-failed', `blob ${location} is not here`);
    return bytes;
  };
  const onDeviceLost = (reason: string): void => {
    const error = { code: 'measure-crashed', message: `the GPU device was lost: ${reason}` };
    self.postMessage({ type: 'failed', error } satisfies MeasureReply);
    self.close();
  };
  const engine = createOnnxRuntime({ providers, threads, readModel, onDeviceLost });
  const feeds = goldenFeeds(readGolden(model.golden), engine);
  const startedMs = performance.now();
  const session = await openOnLadder(engine, model, ladder);
  const loadMs = performance.now() - startedMs;
  const golden = await replayGolden(session, model.golden, engine);
  loaded = { session, feeds };
  const settings = ladder.find(({ provider }) => provider === session.provider) ?? ladder[0];
  if (settings === undefined) throw new StarlingError('provider-refused', 'there is no provider to try');
  return { settings, loadMs, golden };
}
