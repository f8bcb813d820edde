import '../content-security.ts';
import { StarlingError } from '@starling/shared';
import { failureOf } from '../../core/hosting/index.ts';
import type { EngineSession, Tensor } from '../../core/ports/engine.ts';
import { defaultSettings, goldenFeeds, openOnLadder, readGolden, replayGolden } from '../../core/sessions/index.ts';
import { openFolder, readFile } from '../private-folder.ts';
import { ARENA } from './arena.ts';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';
import { createOnnxRuntime } from './onnxruntime.ts';
import { isProbeAnswer, probeInputs, probeModel } from './probe-model.ts';

/** One model alone in a worker, with an engine of its own: what fails or hangs there touches no pipeline. */
declare const self: DedicatedWorkerGlobalScope;

let loaded: { session: EngineSession; feeds: Record<string, Tensor>; threads: number } | undefined;

self.addEventListener('message', ({ data }: MessageEvent<MeasureRequest>) => {
  answer(data)
    .catch((error: unknown): MeasureReply => ({ type: 'failed', error: failureOf(error, 'measure-failed') }))
    .then((reply) => self.postMessage(reply));
});

async function answer(request: MeasureRequest): Promise<MeasureReply> {
  if (request.call === 'open') return { type: 'opened', opened: await open(request) };
  if (request.call === 'probe') return { type: 'probed', medianMs: await probe(request) };
  if (loaded === undefined) throw new StarlingError('not-loaded', 'no model is open');
  const { session, feeds, threads } = loaded;
  const startedMs = performance.now();
  const timesMs: number[] = [];
  for (let run = 0; run < request.runs; run += 1) {
    const runMs = performance.now();
    await session.run(feeds);
    timesMs.push(performance.now() - runMs);
  }
  // No browser tells the processor time of a worker: all threads count for as long as a run takes, as they do where pipelines run.
  const cpuSeconds = (timesMs.reduce((sum, tookMs) => sum + tookMs, 0) / 1000) * Math.max(1, threads);
  return { type: 'ran', burst: { timesMs, wallMs: performance.now() - startedMs, cpuSeconds, peakMemoryBytes: null } };
}

function onDeviceLost(reason: string): void {
  const error = { code: 'measure-crashed', message: `the GPU device was lost: ${reason}` };
  self.postMessage({ type: 'failed', error } satisfies MeasureReply);
  self.close();
}

const PROBE_RUNS = 7;
/** A provider that is this slow is known to be, after one run. */
const PROBE_BUDGET_MS = 1_000;

/** @throws StarlingError `load-failed`, `inference-failed`, `wrong-answer` */
async function probe({ provider, threads }: Extract<MeasureRequest, { call: 'probe' }>): Promise<number> {
  const engine = createOnnxRuntime({ providers: [provider], threads, readModel: async () => probeModel(), onDeviceLost });
  const session = await engine.open('', defaultSettings(provider, { threads, arena: ARENA }));
  const timesMs: number[] = [];
  let spentMs = 0;
  // The first run makes what the others use: shaders, memory.
  for (let run = 0; run <= PROBE_RUNS && spentMs < PROBE_BUDGET_MS; run += 1) {
    const startedMs = performance.now();
    const answer = await session.run(probeInputs());
    if (!isProbeAnswer(answer)) throw new StarlingError('wrong-answer', `${provider} computes something else than it should`);
    if (run === 0) continue;
    const tookMs = performance.now() - startedMs;
    spentMs += tookMs;
    timesMs.push(tookMs);
  }
  return timesMs.sort((one, other) => one - other)[timesMs.length >> 1] ?? Number.POSITIVE_INFINITY;
}

async function open({ home, providers, threads, model, ladder }: Extract<MeasureRequest, { call: 'open' }>) {
  const blobs = await openFolder(home, 'blobs');
  const readModel = async (location: string): Promise<Uint8Array> => {
    const bytes = await readFile(blobs, location);
    if (bytes === undefined) throw new StarlingError('load-failed', `blob ${location} is not here`);
    return bytes;
  };
  const engine = createOnnxRuntime({ providers, threads, readModel, onDeviceLost });
  const feeds = goldenFeeds(readGolden(model.golden), engine);
  const startedMs = performance.now();
  const session = await openOnLadder(engine, model, ladder);
  const loadMs = performance.now() - startedMs;
  const golden = await replayGolden(session, model.golden, engine);
  loaded = { session, feeds, threads };
  const settings = ladder.find(({ provider }) => provider === session.provider) ?? ladder[0];
  if (settings === undefined) throw new StarlingError('provider-refused', 'there is no provider to try');
  return { settings, loadMs, golden };
}
