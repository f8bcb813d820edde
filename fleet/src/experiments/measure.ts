import { type ExperimentArm, type ExperimentDetail, type ExperimentLook, goalOf, type MetricJudgement } from '@starling/shared';
import { quantileOfBins } from '../analysis/index.ts';
import { guardsOf } from './check-spec.ts';
import { type ArmFigures, figuresOfArms } from './figures-store.ts';
import { alphaOf, type JudgedArm, judgeArms, testShares } from './judge.ts';
import { countArms, membersQuery } from './members-store.ts';
import type { ExperimentPorts } from './ports.ts';
import type { ExperimentRow } from './store.ts';

export interface Measured extends Pick<ExperimentDetail, 'arms' | 'sampleRatio'> {
  figures: ArmFigures[];
  look: ExperimentLook;
}

/** All that is known of an experiment at a moment. */
export async function measure(row: ExperimentRow, ports: Pick<ExperimentPorts, 'db' | 'analysis'>, nowMs: number): Promise<Measured> {
  const { db } = ports;
  const releases = [{ release: row.champion, name: row.championName }, ...row.challengers];
  const labels = goalOf(row.spec).labels ?? {};
  const figures = await figuresOfArms(db, { id: row.id, releases: releases.map(({ release }) => release), labels });
  const standing = await countArms(db, row.id);
  const guards: MetricJudgement[][] = [[]];
  for (const { release } of row.challengers) guards.push(await guardsFor(row, release, ports, nowMs));
  const judged = judgeArms({ spec: row.spec, arms: figures, guards });
  const running = (release: string): number => sum(standing.filter((each) => each.release === release && each.state === 'running'));
  const arms = releases.map(({ release, name }, arm): ExperimentArm => {
    const own = figures[arm] as ArmFigures;
    const devices = arm === 0 ? Math.max(0, ...row.challengers.map((each) => running(each.release))) : running(release);
    return armOf(
      { release, name, share: row.shares[arm] ?? 0, isChampion: arm === 0, devices },
      own,
      judged[arm] as JudgedArm,
      guards[arm] ?? [],
    );
  });
  // A challenger that is off on some devices, beside others that are not, leaves its items to the champion there.
  const isOff = standing.some(({ state }) => state === 'off') && row.challengers.length > 1;
  const isMoved = row.startedAtMs !== null && row.sharesAtMs > row.startedAtMs;
  const sampleRatio = isOff || isMoved ? null : testShares(row.spec, row.shares, figures);
  return { arms, sampleRatio, figures, look: { atMs: nowMs, arms: arms.map((arm) => pointOf(arm, goalOf(row.spec).measure)) } };
}

type Named = Pick<ExperimentArm, 'release' | 'name' | 'share' | 'isChampion' | 'devices'>;

function armOf(named: Named, figures: ArmFigures, judged: JudgedArm, guards: MetricJudgement[]): ExperimentArm {
  const { items, failures, compared, agreed: _agreed, shed, rewards, bins, joules, measured } = figures;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((level) => quantileOfBins(bins, level));
  return {
    ...{ ...named, items, failures, compared, shed, ...judged, guards },
    latencyMs: p50 == null || p95 == null || p99 == null ? null : { p50, p95, p99 },
    joulesPerInference: measured === 0 ? null : joules / measured,
    outcomes: rewards.count,
  };
}

function pointOf(arm: ExperimentArm, measure: string): ExperimentLook['arms'][number] {
  const interval = measure === 'reward' ? arm.reward : measure === 'agreement' ? arm.agreement : arm.errorRate;
  const { release, share, items } = arm;
  return { release, share, items, estimate: interval?.estimate ?? null, low: interval?.low ?? null, high: interval?.high ?? null };
}

function sum(rows: readonly { devices: number }[]): number {
  return rows.reduce((total, { devices }) => total + devices, 0);
}

/** Guards look at what devices counted on the challenger, each against what the same device counted on its champion in the same time. */
async function guardsFor(
  row: ExperimentRow,
  challenger: string,
  { analysis }: Pick<ExperimentPorts, 'analysis'>,
  nowMs: number,
): Promise<MetricJudgement[]> {
  const spec = guardsOf(row.spec);
  if (spec === undefined || row.startedAtMs === null) return [];
  const { metrics } = await analysis.judge({
    spec: { ...spec, confidence: 1 - alphaOf(row.spec), sampleRatio: false },
    candidate: { devices: membersQuery(row.id), release: challenger },
    against: row.champion,
    ...{ sinceMs: row.startedAtMs, nowMs },
  });
  return metrics;
}
