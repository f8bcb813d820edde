import { durationMs, type ExperimentArm, type ExperimentDetail, type ExperimentView, goalOf } from '@starling/shared';
import type { Queryable } from '../db/index.ts';
import { countArms, countMembers } from './members-store.ts';
import { isOver } from './states.ts';
import type { ExperimentRow } from './store.ts';

export function viewOf(row: ExperimentRow, devices: number): ExperimentView {
  const { id, name, spec, state, champion, championName, challengers, reason, winner, createdAtMs, createdBy, startedAtMs, finishedAtMs } =
    row;
  return {
    ...{
      id,
      name,
      mode: spec.mode,
      state,
      measure: goalOf(spec).measure,
      champion: { release: champion, name: championName },
      challengers,
    },
    ...{ devices, verdict: reason, winner, createdAtMs, createdBy, startedAtMs, finishedAtMs },
    endsAtMs: startedAtMs === null || isOver(state) ? null : startedAtMs + durationMs(spec.stop.after),
  };
}

export async function viewsOf(db: Queryable, rows: readonly ExperimentRow[]): Promise<ExperimentView[]> {
  const devices = await countMembers(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => viewOf(row, devices.get(row.id) ?? 0));
}

export async function detailOf(db: Queryable, row: ExperimentRow): Promise<ExperimentDetail> {
  const [view] = await viewsOf(db, [row]);
  const standing = await countArms(db, row.id);
  return {
    ...(view ?? viewOf(row, 0)),
    spec: row.spec,
    arms: row.result?.arms.map((arm, index) => ({ ...arm, share: row.shares[index] ?? 0 })) ?? nothingYet(row),
    sampleRatio: row.result?.sampleRatio ?? null,
    measuredAtMs: row.measuredAtMs,
    off: standing.flatMap(({ release, state, code, devices }) => (state === 'off' ? [{ release, code: code ?? 'unknown', devices }] : [])),
    rollout: row.rollout,
  };
}

/** Before the first look. */
function nothingYet(row: ExperimentRow): ExperimentArm[] {
  return [{ release: row.champion, name: row.championName }, ...row.challengers].map((arm, index) => ({
    ...{
      ...arm,
      isChampion: index === 0,
      share: row.shares[index] ?? 0,
      devices: 0,
      items: 0,
      failures: 0,
      compared: 0,
      shed: 0,
      outcomes: 0,
    },
    ...{
      errorRate: null,
      latencyMs: null,
      joulesPerInference: null,
      agreement: null,
      reward: null,
      difference: null,
      probabilityBest: null,
    },
    ...{ verdict: index === 0 ? ('champion' as const) : ('undecided' as const), reason: 'nothing was counted yet', guards: [] },
  }));
}
