import { type AnalysisReference, StarlingError } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import type { Judged } from './advance.ts';

export interface Cohort {
  /** Subquery of device ids. */
  devices: SQL;
  /** Digest of the release whose telemetry counts; undefined: whatever they ran. */
  release: string | undefined;
}

export interface AnalysisQuestion {
  rollout: string;
  /** What people call it. */
  name: string;
  /** Under what its figures are kept: a step and when it began, or the whole. */
  step: string;
  analysis: AnalysisReference;
  /** `assigned`: subquery of every device that was told to run the release, also of those that do not. */
  candidate: Cohort & { release: string; assigned: SQL };
  control: Cohort;
  sinceMs: number;
  nowMs: number;
  /** Of a step: what is not decided then is inconclusive. */
  endsAtMs?: number | undefined;
}

/** Judges a release by what devices measure. */
export interface RolloutAnalysis {
  /**
   * The analysis as it stands now: what a template says later is no matter of rollouts that were made before.
   * @throws StarlingError that names the field, where it could never be judged
   */
  resolve(analysis: AnalysisReference): Promise<AnalysisReference>;
  /** Who has to agree before a rollout begins and does not, in a sentence; undefined where all agree. */
  objection(rollout: { id: string; name: string }, analysis: AnalysisReference): Promise<string | undefined>;
  /** What it found, with all its figures in `detail`. */
  judge(question: AnalysisQuestion): Promise<Judged & { detail: unknown }>;
}

/** A fleet without analyses refuses rollouts that ask for one, before they start. */
export const noAnalysis: RolloutAnalysis = {
  resolve: async () => {
    throw new StarlingError('no-analysis', 'this fleet cannot judge analyses', {
      field: 'analysis',
      hint: 'use thresholds, pauses and approvals',
    });
  },
  objection: async () => undefined,
  judge: async () => ({ verdict: 'inconclusive', reason: 'this fleet cannot judge analyses', detail: null }),
};
