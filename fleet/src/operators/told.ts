import { createHash } from 'node:crypto';
import type { OperatorResult } from '@starling/shared';

/** Answers that are remembered; of more than these the one told longest ago may be told once more. */
const REMEMBERED_MAXIMUM = 10_000;

/** What was last told of each request, so that nobody is told the same twice. */
export interface Told {
  /** Does it say something that was not said before of this request and what it is about? */
  isNews(account: string, answer: OperatorResult): boolean;
  /** It has been sent. */
  note(account: string, answer: OperatorResult): void;
}

export function createTold(maximum = REMEMBERED_MAXIMUM): Told {
  const last = new Map<string, string>();
  return {
    isNews: (account, answer) => last.get(keyOf(account, answer)) !== contentOf(answer),
    note(account, answer) {
      const key = keyOf(account, answer);
      last.delete(key);
      last.set(key, contentOf(answer));
      const [oldest] = last.keys();
      if (last.size > maximum && oldest !== undefined) last.delete(oldest);
    },
  };
}

/** Of a request for many there are answers on the whole and on each device. */
function keyOf(account: string, { request, command, batch }: OperatorResult): string {
  return JSON.stringify([account, request, command ?? batch]);
}

/** All but when it was said. A result may be large, and is kept as a digest. */
function contentOf({ atMs: _atMs, ...content }: OperatorResult): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64');
}
