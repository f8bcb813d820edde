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

/** `21:05:09`, as clocks of the dashboard are read, in the time of who looks at this page. */
const clockFace = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

function localTime(atMs: number): string {
  return clockFace.format(atMs);
}
