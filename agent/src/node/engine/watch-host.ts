import type { ChildProcess } from 'node:child_process';
import type { HostRequest } from './host-messages.ts';

/** How often the runtime host is asked whether it lives. */
const ASK_INTERVAL_MS = 1_000;
/** The control plane of a busy device may itself be late; less than this is no sign of anything. */
const SILENCE_MINIMUM_MS = 5_000;

/**
 * Watches for a runtime host that is there but does not turn its event loop any more, which no run of its own can report.
 * Silence is counted in questions, not by the clock: a device that slept must not find its host guilty.
 * @param silenceMs taken for dead after it, and after five seconds at the least
 */
export function watchHost(child: ChildProcess, silenceMs: number, onSilent: (reason: string) => void): void {
  const limit = Math.ceil(Math.max(silenceMs, SILENCE_MINIMUM_MS) / ASK_INTERVAL_MS);
  let unanswered = 0;
  child.on('message', () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    if (unanswered >= limit) {
      clearInterval(timer);
      return onSilent(`it has not answered for ${(limit * ASK_INTERVAL_MS) / 1000} s`);
    }
    unanswered += 1;
    child.send({ id: 0, call: 'ask', arguments: [] } satisfies HostRequest, () => undefined);
  }, ASK_INTERVAL_MS);
  child.once('exit', () => clearInterval(timer));
}
