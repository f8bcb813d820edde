import { type Actor, type FeedbackAnswer, type FeedbackItem, parseResultId } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { insertOutcomes, type Outcome } from './store.ts';

export interface Feedback {
  /** Each result counts once: by the first outcome that came. */
  add(items: readonly FeedbackItem[], actor: Pick<Actor, 'name'>): Promise<FeedbackAnswer>;
}

export function createFeedback({ db, clock }: { db: Database; clock: Clock }): Feedback {
  return {
    async add(items, actor) {
      const nowMs = clock.nowMs();
      // One statement may not touch a row twice; of two in one request the first counts, as of two requests.
      const first = new Map<string, Outcome>();
      for (const item of items) if (!first.has(item.resultId)) first.set(item.resultId, outcomeOf(item, nowMs));
      return db.transaction(async (tx) => {
        const { taken, unknown } = await insertOutcomes(tx, [...first.values()], nowMs);
        const repeated = items.length - taken.length - unknown.length;
        await appendAudit(tx, clock, actor, 'feedback.add', `${items.length} outcomes`, {
          taken: taken.length,
          repeated,
          unknown: unknown.length,
        });
        return { taken: taken.length, repeated, unknown };
      });
    },
  };
}

function outcomeOf({ resultId, outcome, atMs }: FeedbackItem, nowMs: number): Outcome {
  const { device, release, atMs: itemAtMs } = parseResultId(resultId);
  const value = typeof outcome === 'string' ? null : Number(outcome);
  return { resultId, device, release, itemAtMs, atMs: atMs ?? nowMs, value, label: typeof outcome === 'string' ? outcome : null };
}
