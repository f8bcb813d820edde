import type { AnalysisResult, AnalysisVerdict, MetricJudgement, SampleRatio } from '@starling/shared';
import { multinomialP } from './confidence/index.ts';

/** P-value below which devices are missing (Fabijan et al. 2019 advise small ones: a false alarm stops an analysis that has no fault). */
const MISMATCH_P = 0.005;

/** Devices of both sides, and those of them that sent anything. */
export interface DeviceCensus {
  candidate: { devices: number; seen: number };
  control: { devices: number; seen: number };
}

/**
 * Whether devices of one side are missing: a release that silences devices would otherwise be judged by those that it left alive. Those
 * that were seen and those that were not are each held against the shares of all, half of the chance to be wrong for either.
 */
export function sampleRatioOf({ candidate, control }: DeviceCensus): SampleRatio | null {
  const all = candidate.devices + control.devices;
  if (candidate.devices === 0 || control.devices === 0) return null;
  const expected = candidate.devices / all;
  const shares = [expected, 1 - expected];
  const seen = candidate.seen + control.seen;
  const pSeen = multinomialP([candidate.seen, control.seen], shares);
  const pMissing = multinomialP([candidate.devices - candidate.seen, control.devices - control.seen], shares);
  const p = Math.min(1, 2 * Math.min(pSeen, pMissing));
  return { expected, seen: seen === 0 ? null : candidate.seen / seen, p, mismatch: p < MISMATCH_P };
}

/**
 * The verdict on all metrics, as Argo Rollouts reads an AnalysisRun: one that failed is enough to fail; all have to succeed to succeed.
 * In between a step goes on until it ends, and is then for a person to look at. Dry runs have no say.
 */
export function verdictOf(
  metrics: readonly MetricJudgement[],
  sampleRatio: SampleRatio | null,
  isFinal: boolean,
): Pick<AnalysisResult, 'verdict' | 'reason'> {
  const gating = metrics.filter(({ gates }) => gates);
  const undecided: AnalysisVerdict = isFinal ? 'inconclusive' : 'running';
  const failed = gating.find(({ verdict }) => verdict === 'failed');
  if (failed !== undefined) return { verdict: 'failed', reason: `${failed.name}: ${failed.reason}` };
  if (sampleRatio?.mismatch === true) {
    const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
    const seen = sampleRatio.seen === null ? 'none' : percent(sampleRatio.seen);
    const reason = `${percent(sampleRatio.expected)} of the devices are of the candidate, but ${seen} of those that sent anything: who is missing may be what matters`;
    return { verdict: 'inconclusive', reason };
  }
  const stuck = gating.find(({ verdict }) => verdict === 'error' || verdict === 'not-measured' || verdict === 'inconclusive');
  if (stuck !== undefined) return { verdict: 'inconclusive', reason: `${stuck.name}: ${stuck.reason}` };
  const open = gating.find(({ verdict }) => verdict === 'running');
  if (open !== undefined) return { verdict: undecided, reason: `${open.name}: ${open.reason}` };
  if (gating.length === 0) return { verdict: 'successful', reason: 'nothing gates: every objective is a dry run' };
  return { verdict: 'successful', reason: gating.length === 1 ? 'its objective is met' : `all ${gating.length} objectives are met` };
}
