import type { InferenceResult } from '@starling/shared';
import { marksOf } from '../draw-results.ts';
import { element, make, setText } from './elements.ts';
import { createFrameRate } from './frame-rate.ts';

/** How many lines of what was read stay to be seen. */
const LINES_MAXIMUM = 200;

/** Shows what results say: latency, frames per second, what was read. */
export function createMeters(nowMs: () => number): {
  add(result: InferenceResult): void;
  tick(): void;
  /** Nothing comes any more; what was read last stays to be seen. */
  forget(): void;
  /** Another picture or source is shown: nothing was read in it yet. */
  clear(): void;
  /** The next of several files is shown: what was read in those before stays above it. */
  next(name: string): void;
  /** Nothing was read in this one. */
  fail(text: string): void;
  showProviders(names: readonly string[], threads: number): void;
} {
  const rate = createFrameRate();
  const readings = element('readings', HTMLUListElement);
  let read = '';
  /** Lines of what is shown now. */
  let lines: HTMLElement[] = [];
  let title: string | undefined;
  const showLines = (items: readonly HTMLElement[]): void => {
    for (const line of lines) line.remove();
    lines = [...(title === undefined ? [] : [make('li', title, { class: 'file' })]), ...items];
    readings.append(...lines);
  };
  const showRead = (labels: readonly string[]): void => {
    const text = labels.join('\n');
    if (text === read && lines.length > 0) return;
    read = text;
    showLines(labels.length === 0 ? [make('li', 'nothing', { class: 'none' })] : labels.map((label) => make('li', label)));
  };
  const tick = (): void => {
    const perSecond = rate.perSecond(nowMs());
    setText(element('rate', HTMLElement), perSecond === undefined ? '–' : `${perSecond.toFixed(1)}/s`);
  };
  return {
    add(result) {
      rate.add(nowMs(), result.latencyMs);
      setText(element('latency', HTMLElement), `${Math.round(result.latencyMs)} ms`);
      showRead(marksOf(result.outputs).map(({ label }) => label));
      tick();
    },
    tick,
    forget() {
      rate.forget();
      tick();
    },
    clear() {
      [read, lines, title] = ['', [], undefined];
      readings.replaceChildren();
      setText(element('latency', HTMLElement), '–');
    },
    next(name) {
      [read, lines, title] = ['', [], name];
      for (let over = readings.childElementCount - LINES_MAXIMUM; over > 0; over -= 1) readings.firstElementChild?.remove();
      setText(element('latency', HTMLElement), '–');
    },
    fail(text) {
      showLines([make('li', text, { class: 'none' })]);
    },
    showProviders(names, threads) {
      const unique = [...new Set(names)];
      const text = unique
        .map((name) => (name === 'wasm' ? `wasm, ${threads}\u00a0${threads === 1 ? 'thread' : 'threads'}` : name))
        .join(' + ');
      setText(element('provider', HTMLElement), text === '' ? '–' : text);
    },
  };
}
