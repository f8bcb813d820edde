import { type AnalysisSpec, messageOf, type RolloutState, type Webhook, type WebhookKind } from '@starling/shared';
import { type Analysis, requireMeasurable, type Webhooks } from './analysis/index.ts';
import type { EventBus, Log } from './ports.ts';
import type { AnalysisQuestion, RolloutAnalysis, Rollouts } from './rollouts/index.ts';

/**
 * Rollouts ask, analyses answer; and what other people's servers have to say about it.
 * @param ending nobody is asked or waited for any more
 */
export function judgeRollouts(analysis: Pick<Analysis, 'resolve' | 'judge'>, webhooks: Webhooks, ending?: AbortSignal): RolloutAnalysis {
  const agrees = async (
    spec: AnalysisSpec,
    kind: WebhookKind,
    { rollout, name }: Pick<AnalysisQuestion, 'rollout' | 'name'>,
  ): Promise<string | undefined> => {
    for (const hook of spec.webhooks.filter((each) => each.kind === kind)) {
      const answer = await webhooks.call(hook, { kind, rollout: { id: rollout, name }, phase: kind }, ending);
      if (!answer.accepted) return `${hook.name} does not agree: ${answer.reason}`;
    }
    return undefined;
  };
  return {
    resolve: async (reference) => ({ ...requireMeasurable(await analysis.resolve(reference)) }),
    objection: async ({ id, name }, reference) => agrees(await analysis.resolve(reference), 'confirm-rollout', { rollout: id, name }),
    async judge(question) {
      const { candidate, control, sinceMs, nowMs, endsAtMs, rollout, step } = question;
      const spec = await analysis.resolve(question.analysis);
      const found = await analysis.judge({
        ...{ spec, sinceMs, nowMs, endsAtMs, candidate, control },
        rollout: { id: rollout, step },
      });
      const isFinal = endsAtMs !== undefined && nowMs >= endsAtMs;
      const objection =
        (await agrees(spec, 'rollout', question)) ??
        (found.verdict === 'successful' ? await agrees(spec, 'confirm-promotion', question) : undefined);
      if (objection === undefined || found.verdict === 'failed') return { verdict: found.verdict, reason: found.reason, detail: found };
      return { verdict: isFinal ? 'inconclusive' : 'running', reason: objection, detail: found };
    },
  };
}

/** What a state of a rollout is told as; every change is an `event` as well. */
const kindOfState: Partial<Record<RolloutState, WebhookKind>> = {
  running: 'pre-rollout',
  succeeded: 'post-rollout',
  'rolling-back': 'rollback',
};

/** One that has begun, and is told of for the first time, began this long ago at the most. */
const BEGINNING_MS = 10_000;

/** Tells those whom the analysis of a rollout names what becomes of it. Nobody is waited for: these are told, not asked. */
export function tellOfRollouts(
  events: EventBus,
  rollouts: Pick<Rollouts, 'show'>,
  analysis: Pick<Analysis, 'resolve'>,
  { webhooks, log }: { webhooks: Webhooks; log: Log },
): () => void {
  const told = new Map<string, RolloutState>();
  const tell = async (id: string, atMs: number): Promise<void> => {
    const { spec, name, state, startedAtMs } = await rollouts.show(id);
    const before = told.get(id);
    if (spec.analysis === undefined || before === state) return;
    told.set(id, state);
    const { webhooks: hooks } = await analysis.resolve(spec.analysis);
    const own = kindOfState[state];
    // A rollout runs again after a pause, also of one that this process has not seen: only its beginning is one.
    const begins = before === 'scheduled' || (before === undefined && startedAtMs !== null && atMs - startedAtMs < BEGINNING_MS);
    const kinds = new Set<WebhookKind>(['event', ...(own === undefined || (own === 'pre-rollout' && !begins) ? [] : [own])]);
    const call = (hook: Webhook) => webhooks.call(hook, { kind: hook.kind, rollout: { id, name }, phase: state });
    await Promise.all(hooks.filter(({ kind }) => kinds.has(kind)).map(call));
  };
  return events.subscribe(({ type, id, atMs, detail }, isElsewhere) => {
    // Where it happened it is told of.
    if (isElsewhere || type !== 'rollout' || detail.state === undefined) return;
    tell(id, atMs).catch((error: unknown) => log.warn({ rollout: id, error: messageOf(error) }, 'nobody was told of a rollout'));
  });
}
