import { appendAudit } from '../audit/index.ts';
import type { Transaction } from '../db/index.ts';
import type { Role, SharedChoice } from '../desired-state/index.ts';
import { RETURN_TIMEOUT_MS, STARTS_PER_WRITE_MAXIMUM } from './limits.ts';
import type { RolloutPorts } from './ports.ts';
import { markRestored, markReturning, markSuperseded, noteGenerations, pickReturns, type Return } from './starting-store.ts';
import { claimVersion, type RolloutRow } from './store.ts';

export interface Returned {
  devices: number;
  isStale: boolean;
}

/**
 * Gives devices back what they had before the rollout, each its own. A device that somebody else has given something since keeps that.
 * No limit holds here: everything is on their disks, and what is bad goes first.
 * @param of `started`: all that were; `on-their-way`: those that have not ended; `failed`: those alone, which stay counted as failed
 */
export function createReturner(ports: RolloutPorts) {
  const { db, clock, desiredStates } = ports;
  return async (row: RolloutRow, of: Parameters<typeof pickReturns>[2]): Promise<Returned> => {
    const picked = await pickReturns(db, row.id, of, STARTS_PER_WRITE_MAXIMUM);
    if (picked.length === 0) return { devices: 0, isStale: false };
    const plan = await planReturns(
      picked.filter(({ given }) => given !== undefined),
      row,
      ports,
    );
    const nowMs = clock.nowMs();
    const written = await db.transaction(async (tx) => {
      if (!(await claimVersion(tx, row))) return undefined;
      const given = await desiredStates.writeMany(tx, { ...plan, by: `rollout ${row.name}` });
      const back = given.map(({ device }) => device);
      await mark(tx, row, of, nowMs, picked, new Set(back));
      await noteGenerations(tx, row.id, given);
      if (given.length > 0)
        await appendAudit(tx, clock, { name: row.createdBy }, 'rollout.return', row.name, { rollout: row.id, devices: given.length });
      return back;
    });
    if (written === undefined) return { devices: 0, isStale: true };
    desiredStates.announce(written);
    return { devices: picked.length, isStale: false };
  };
}

async function mark(
  tx: Transaction,
  { id: rollout }: RolloutRow,
  of: Parameters<typeof pickReturns>[2],
  nowMs: number,
  picked: readonly Return[],
  back: ReadonlySet<string>,
): Promise<void> {
  const others = picked.filter(({ device, given }) => given !== undefined && !back.has(device)).map(({ device }) => device);
  const untouched = picked.filter(({ given }) => given === undefined).map(({ device }) => device);
  if (of === 'failed') {
    // It stays a failure of this rollout, whoever has the device now.
    await markRestored(tx, rollout, [...back, ...others]);
    return;
  }
  await markSuperseded(tx, rollout, others, nowMs);
  await markReturning(tx, { rollout, nowMs, deadlineMs: nowMs + RETURN_TIMEOUT_MS }, [...back, ...untouched]);
}

interface ReturnPlan {
  choices: SharedChoice[];
  devices: { device: string; choice: number; only: { epoch: number; generation: number }; role: Role | undefined }[];
}

async function planReturns(picked: readonly Return[], row: RolloutRow, { desiredStates }: RolloutPorts): Promise<ReturnPlan> {
  const plan: ReturnPlan = { choices: [], devices: [] };
  const groups = Map.groupBy(picked, ({ release, artefacts }) => JSON.stringify([release, Object.entries(artefacts ?? {}).sort()]));
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const same = await desiredStates.givenBack(first.release, first.artefacts ?? {}, `it ran this before the rollout ${row.name}`);
    const again =
      same === undefined && first.release !== null
        ? await desiredStates.chooseMany(
            first.release,
            group.map(({ device }) => device),
          )
        : undefined;
    const roles = await desiredStates.rolesOf(
      first.release,
      group.map(({ device }) => device),
    );
    const offset = plan.choices.length;
    plan.choices.push(...(again?.choices ?? [same ?? { release: first.release, artefacts: {}, reasons: {} }]));
    const none = plan.choices.length;
    // Of what it had nothing is left that runs here: the release alone is named, and artefacts follow once there are some.
    if (again !== undefined && again.refused.size > 0) plan.choices.push({ release: first.release, artefacts: {}, reasons: {} });
    for (const { device, given } of group) {
      if (given === undefined) continue;
      const chosen = again === undefined ? 0 : again.chosen.get(device);
      plan.devices.push({
        device,
        choice: chosen === undefined ? none : offset + chosen,
        only: given,
        role: roles.get(device),
      });
    }
  }
  return plan;
}
