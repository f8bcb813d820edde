import type { AgentStatus } from '../core/index.ts';

/** Who watches or records what of this tab, and until when, in words; empty while nobody does. */
export function watchedText(taps: AgentStatus['taps'], nowMs: number, timeOf = localTime): string {
  return taps
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ edges, account, untilMs, isKept }) => {
      const what = edges.length === 1 ? `Edge ${edges[0]} is` : `Edges ${edges.slice(0, -1).join(', ')} and ${edges.at(-1)} are`;
      return `${what} being ${isKept === true ? 'recorded' : 'watched'} by ${account} until ${timeOf(untilMs)}.`;
    })
    .join(' ');
}

function localTime(atMs: number): string {
  return new Date(atMs).toLocaleTimeString();
}
