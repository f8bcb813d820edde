/** A tap of a fleet -> its values as they come, over server-sent events. */
import { API_BASE, StarlingError, type TapValueView, type TapView, tapStreamPath, tapValueViewSchema } from '@starling/shared';
import type { RunningFleet } from '../harness/running-fleet.ts';

export interface TapReader {
  values: TapValueView[];
  /** Waits for a value that pleases. */
  until(what: string, pleases: (value: TapValueView) => boolean, timeoutMs?: number): Promise<TapValueView>;
  /** The fleet has ended the stream. */
  ended: Promise<void>;
  leave(): void;
}

export async function readTap(fleet: Pick<RunningFleet, 'baseUrl' | 'token'>, tap: Pick<TapView, 'device' | 'id'>): Promise<TapReader> {
  const abort = new AbortController();
  const answer = await fetch(`${fleet.baseUrl}${API_BASE}${tapStreamPath(tap.device, tap.id)}`, {
    headers: { authorization: `Bearer ${fleet.token}` },
    signal: abort.signal,
  });
  if (!answer.ok || answer.body === null) {
    const { code, detail } = (await answer.json()) as { code: string; detail: string };
    throw new StarlingError(code, detail);
  }
  const values: TapValueView[] = [];
  const waiting = new Set<() => void>();
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const piece of body) {
      rest += decoder.decode(piece, { stream: true });
      const events = rest.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events.filter((each) => !each.includes('event:'))) {
        values.push(tapValueViewSchema.parse(JSON.parse(event.replace(/^data: ?/, ''))));
        for (const look of waiting) look();
      }
    }
  };
  const ended = read(answer.body).catch(() => undefined);
  return {
    ...{ values, ended },
    until: (what, pleases, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          const seen = JSON.stringify(values.slice(-3)).slice(0, 600);
          reject(new StarlingError('timeout', `not within ${timeoutMs} ms: ${what}; there were ${values.length}, such as ${seen}`));
        }, timeoutMs);
        const look = (): void => {
          const found = values.find(pleases);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    leave: () => abort.abort(),
  };
}
