import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

/**
 * Loaded into the agent before its own code (`--import .../eventloop-probe.ts?out=FILE`). On each SIGUSR2 it writes what it has seen since
 * the last one, and starts anew. The runtime host inherits the option, so the probe keeps quiet everywhere but in the agent's main process.
 */
const RESOLUTION_MS = 1;
const NANOSECONDS_PER_MS = 1e6;
const out = new URL(import.meta.url).searchParams.get('out') ?? '';

if (process.argv[1]?.endsWith('agent/src/node/main.ts') === true) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let report = 0;
  process.on('SIGUSR2', () => {
    report += 1;
    const delayMs = (nanoseconds: number): number => nanoseconds / NANOSECONDS_PER_MS;
    const { count, max } = delays;
    const seen = { report, count, p50Ms: delayMs(delays.percentile(50)), p99Ms: delayMs(delays.percentile(99)) };
    writeFileSync(out, JSON.stringify({ ...seen, p999Ms: delayMs(delays.percentile(99.9)), maximumMs: delayMs(max) }));
    delays.reset();
  });
}
