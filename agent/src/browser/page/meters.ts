import type { InferenceResult } from '@starling/shared';
import { marksOf } from '../draw-results.ts';
import { element, make, setText } from './elements.ts';

/** Results are counted over this time. */
const WINDOW_MS = 3_000;

/** Shows what results say: latency, frames per second, what was read. */
export function createMeters(nowMs: () => number): {
  add(result: InferenceResult): void;
  tick(): void;
  showProviders(names: readonly string[], threads: number): void;
} {
  const times: { atMs: number; latencyMs: number }[] = [];
  const readings = element('readings', HTMLUListElement);
  let read = '';
  const showRead = (labels: readonly string[]): void => {
    const text = labels.join('\n');
    if (text === read && readings.childElementCount > 0) return;
    read = text;
    readings.replaceChildren(
      ...(labels.length === 0 ? [make('li', 'nothing', { class: 'none' })] : labels.map((label) => make('li', label))),
    );
  };
  const tick = (): void => {
    const sinceMs = nowMs() - WINDOW_MS;
    while (times[0] !== undefined && times[0].atMs < sinceMs) times.shift();
    const first = times[0];
    const last = times.at(-1);
    const spanMs = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
    setText(element('rate', HTMLElement), spanMs > 0 ? `${(((times.length - 1) * 1000) / spanMs).toFixed(1)}/s` : '–');
  };
  return {
    add(result) {
      times.push({ atMs: nowMs(), latencyMs: result.latencyMs });
      setText(element('latency', HTMLElement), `${Math.round(result.latencyMs)} ms`);
      showRead(marksOf(result.outputs).map(({ label }) => label));
      tick();
    },
    tick,
    showProviders(names, threads) {
      const unique = [...new Set(names)];
      const text = unique.map((name) => (name === 'wasm' ? `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : name)).join(' + ');
      setText(element('provider', HTMLElement), text === '' ? '–' : text);
    },
  };
}
