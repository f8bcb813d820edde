import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { StarlingError } from '@starling/shared';
import { failureOf } from '../../core/hosting/index.ts';
import type { EngineSession, Tensor } from '../../core/ports/engine.ts';
import { goldenFeeds, openOnLadder, readGolden, replayGolden } from '../../core/sessions/index.ts';
import { createEngine } from './create-engine.ts';
import { readHostConfig } from './host-config.ts';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';

/**
 * One model alone in a process: its memory, its CPU time and its crash are its own. It runs at the lowest priority, so that live
 * pipelines get their cores first. The session has a thread of its own, as in the runtime host: what is timed is what a pipeline sees.
 */
setPriority(0, constants.priority.PRIORITY_LOW);
const config = readHostConfig(process.argv[2]);
const engine = createEngine(
  config,
  import.meta.url,
  (reason) => {
    process.send?.({ type: 'failed', error: { code: 'timed-out', message: reason, retryable: true } } satisfies MeasureReply);
    process.kill(process.pid, 'SIGKILL');
  },
  'measuring',
);
let loaded: { session: EngineSession; feeds: Record<string, Tensor>; baseBytes: number } | undefined;

process.on('message', (request: MeasureRequest) => {
  answer(request)
    .catch((error: unknown): MeasureReply => ({ type: 'failed', error: failureOf(error, 'measure-failed') }))
    .then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' } satisfies MeasureReply);

async function answer(request: MeasureRequest): Promise<MeasureReply> {
  if (request.call === 'open') {
    const golden = readGolden(request.model.golden);
    const feeds = goldenFeeds(golden, engine);
    const baseBytes = forgetPeak();
    const startedMs = performance.now();
    const session = await openOnLadder(engine, request.model, request.ladder);
    const loadMs = performance.now() - startedMs;
    const verdict = await replayGolden(session, request.model.golden, engine);
    loaded = { session, feeds, baseBytes };
    const settings = request.ladder.find(({ provider }) => provider === session.provider) ?? request.ladder[0];
    if (settings === undefined) throw new StarlingError('provider-refused', 'there is no provider to try');
    return { type: 'opened', opened: { settings, loadMs, golden: verdict } };
  }
  if (loaded === undefined) throw new StarlingError('not-loaded', 'no model is open');
  const { session, feeds, baseBytes } = loaded;
  if (request.call === 'close') {
    await session.close();
    return { type: 'closed' };
  }
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const timesMs: number[] = [];
  for (let run = 0; run < request.runs; run += 1) {
    const runMs = performance.now();
    await session.run(feeds);
    timesMs.push(performance.now() - runMs);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const isRemote = config.server !== undefined;
  const burst = {
    timesMs,
    wallMs: performance.now() - startedMs,
    cpuSeconds: isRemote ? null : (user + system) / 1e6,
    peakMemoryBytes: isRemote ? null : Math.max(0, peakBytes() - baseBytes),
  };
  return { type: 'ran', burst };
}

/** Sets the peak of this process back to what it holds now. @returns what it holds now */
function forgetPeak(): number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Without it the peak is that since the start: it may only be too high.
  }
  return process.memoryUsage.rss();
}

function peakBytes(): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (line?.[1] !== undefined) return Number(line[1]) * 1024;
  } catch {
    // No /proc: the operating system's own figure.
  }
  return process.resourceUsage().maxRSS * 1024;
}
