import { durationMs, type ExperimentSpec, type ShareTest } from '@starling/shared';
import type { JudgedArm } from './judge.ts';

export interface Known {
  spec: ExperimentSpec;
  nowMs: number;
  startedAtMs: number;
  /** Somebody, or the fleet, has stopped it for a while: only its time ends it then. */
  isPaused?: boolean;
  /** The champion first. */
  arms: readonly (Pick<JudgedArm, 'verdict' | 'reason' | 'difference'> & { name: string })[];
  sampleRatio: ShareTest | null;
  /** People have looked at the mismatch, and went on. */
  isMismatchAccepted: boolean;
}

/** `winner`: place of an arm; null: nobody won. */
export type Decision =
  | { do: 'go-on' }
  | { do: 'pause'; why: 'harm' | 'mismatch'; reason: string }
  | { do: 'stop'; winner: number; reason: string }
  | { do: 'conclude'; winner: number | null; reason: string };

/** What follows from what is known: the stop rules, the most urgent first. */
export function decide(known: Known): Decision {
  const urgent = known.isPaused === true ? undefined : byEvidence(known);
  return urgent ?? byTime(known);
}

function byEvidence({ spec, arms, sampleRatio, isMismatchAccepted }: Known): Decision | undefined {
  const challengers = arms.slice(1);
  const isBad = ({ verdict }: (typeof arms)[number]): boolean => verdict === 'worse' || verdict === 'harmful';
  const allBad = challengers.length > 0 && challengers.every(isBad);
  if (allBad && spec.stop.onHarm !== 'go-on') {
    const reason = texts(challengers);
    if (spec.stop.onHarm === 'pause') return { do: 'pause', why: 'harm', reason };
    return challengers.some(({ verdict }) => verdict === 'harmful')
      ? { do: 'stop', winner: 0, reason }
      : { do: 'conclude', winner: 0, reason };
  }
  if (spec.stop.sampleRatio && sampleRatio?.mismatch === true && !isMismatchAccepted) {
    const shares = (all: readonly number[]): string => all.map((share) => `${(share * 100).toFixed(1)} %`).join(' / ');
    return {
      do: 'pause',
      why: 'mismatch',
      reason: `items went ${shares(sampleRatio.seen)} and should go ${shares(sampleRatio.expected)}: find out why before anything is believed`,
    };
  }
  if (spec.stop.onEvidence === 'conclude' && challengers.every(({ verdict }) => verdict !== 'undecided')) {
    const said = challengers.filter((each) => !isBad(each));
    if (said.length > 0) return { do: 'conclude', winner: bestOf(arms), reason: texts(challengers) };
  }
  return undefined;
}

function byTime({ spec, nowMs, startedAtMs, arms }: Known): Decision {
  const challengers = arms.slice(1);
  const best = bestOf(arms);
  if (nowMs - startedAtMs >= durationMs(spec.stop.after)) {
    const reason =
      best === null
        ? `its time is over, and no challenger is shown to be better (${texts(challengers)})`
        : `its time is over. ${texts(challengers)}`;
    return { do: 'conclude', winner: best, reason };
  }
  return { do: 'go-on' };
}

function texts(arms: Known['arms']): string {
  return arms.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
}

/** Of those that are surely better the one that is best by all that is known. */
function bestOf(arms: Known['arms']): number | null {
  const better = arms.flatMap(({ verdict, difference }, arm) =>
    verdict === 'better' ? [{ arm, size: Math.abs(difference?.estimate ?? 0) }] : [],
  );
  const [first] = better.toSorted((left, right) => right.size - left.size);
  return first?.arm ?? null;
}

/** Challengers that get nothing more: surely worse, while others are still being looked at. */
export function droppedArms({ spec, arms }: Pick<Known, 'spec' | 'arms'>): number[] {
  if (spec.stop.onHarm !== 'stop') return [];
  return arms.flatMap(({ verdict }, arm) => (verdict === 'worse' || verdict === 'harmful' ? [arm] : []));
}
