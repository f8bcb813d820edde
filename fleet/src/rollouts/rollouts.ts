import {
  type Actor,
  type PageQuery,
  type RolloutAction,
  type RolloutDetail,
  type RolloutEvent,
  type RolloutPreview,
  type RolloutSpec,
  type RolloutState,
  type RolloutTargetView,
  type RolloutView,
  StarlingError,
  type TargetState,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Transaction } from '../db/index.ts';
import { act } from './act.ts';
import { resolveAnalyses } from './check-spec.ts';
import { createFactGatherer } from './gather-facts.ts';
import { MANY_TARGETS, OPEN_ROLLOUTS_MAXIMUM } from './limits.ts';
import { listTargets } from './listing-store.ts';
import type { RolloutPorts } from './ports.ts';
import { type Checked, checkRollout, previewRollout } from './preview.ts';
import { createRunner, type Runner } from './runner.ts';
import {
  appendEvents,
  findRollout,
  insertRollout,
  listEvents,
  listRollouts,
  lockCreation,
  openRollouts,
  type RolloutFilter,
  type RolloutRow,
  releaseLeases,
} from './store.ts';
import { analyseTargets, insertTargets, overlapsOf, takeOver, tallyOf } from './targets-store.ts';
import { detailOf, viewsOf } from './views.ts';

/** Moves the devices of selectors to other releases, step by step. */
export interface Rollouts {
  preview(spec: RolloutSpec, all: boolean): Promise<RolloutPreview>;
  create(spec: RolloutSpec, all: boolean, actor: Actor): Promise<RolloutDetail>;
  list(filter: RolloutFilter): Promise<{ items: RolloutView[]; total: number }>;
  /** By id, else the newest of that name. @throws StarlingError `not-found` */
  show(reference: string): Promise<RolloutDetail>;
  targets(
    reference: string,
    filter: PageQuery & { state?: TargetState | undefined; wave?: number | undefined; search?: string | undefined },
  ): Promise<{ items: RolloutTargetView[]; total: number }>;
  timeline(reference: string, page: PageQuery): Promise<{ items: RolloutEvent[]; total: number }>;
  /** @throws StarlingError `rollout-state`, `already-approved`, `other-step` */
  act(
    reference: string,
    action: RolloutAction,
    options: { reason?: string | undefined; step?: number | undefined },
    actor: Actor,
  ): Promise<RolloutDetail>;
  /** Stops every open rollout. @returns their names */
  stopAll(reason: string | undefined, actor: Actor): Promise<string[]>;
  start(): Promise<void>;
  /** One look at every open rollout, for tests and benches that do not wait. */
  pass: Runner['pass'];
  /** A process that carried some of them on has ended: they are free at once. */
  ended(owner: string): Promise<void>;
  close(): Promise<void>;
}

export function createRollouts(ports: RolloutPorts): Rollouts {
  const { db, clock, events } = ports;
  const facts = createFactGatherer(ports, clock.nowMs());
  const runner = createRunner(ports, facts);
  const find = async (reference: string): Promise<RolloutRow> => {
    const row = await findRollout(db, reference);
    if (row !== undefined) return row;
    throw new StarlingError('not-found', `there is no rollout ${reference}`, { field: 'id', hint: 'see "starling rollout list"' });
  };
  const show = async (reference: string): Promise<RolloutDetail> => {
    const row = await find(reference);
    return detailOf(db, row, facts.judgement(row.id));
  };
  const changed = ({ id, name }: RolloutRow, state: RolloutState): void => {
    events.publish({ type: 'rollout', id, atMs: clock.nowMs(), detail: { name, state } });
    runner.wake();
  };
  return {
    preview: (spec, all) => previewRollout(spec, all, ports),
    async create(written, all, actor) {
      const checked = await checkRollout(written, all, ports);
      const spec = await resolveAnalyses(written, ports.analysis);
      const id = ports.ids.next();
      await db.transaction((tx) => insertAll(tx, { id, spec, checked, actor }, ports));
      if (checked.matched.matched >= MANY_TARGETS) await analyseTargets(db);
      const row = await find(id);
      changed(row, row.state);
      return detailOf(db, row, undefined);
    },
    async list(filter) {
      const { rows, total } = await listRollouts(db, filter);
      return { items: await viewsOf(db, rows), total };
    },
    show,
    targets: async (reference, filter) => listTargets(db, (await find(reference)).id, filter),
    timeline: async (reference, page) => listEvents(db, (await find(reference)).id, page),
    async act(reference, action, options, actor) {
      const row = await find(reference);
      const state = await act(row.id, action, { ...options, actor }, ports);
      changed(row, state);
      return show(row.id);
    },
    async stopAll(reason, actor) {
      const stopped: string[] = [];
      for (const row of await openRollouts(db)) {
        if (['stopping', 'rolling-back'].includes(row.state)) continue;
        changed(row, await act(row.id, 'stop', { reason, actor }, ports));
        stopped.push(row.name);
      }
      return stopped;
    },
    start: () => runner.start(),
    pass: () => runner.pass(),
    async ended(owner) {
      await releaseLeases(db, owner);
      runner.wake();
    },
    close: () => runner.close(),
  };
}

async function insertAll(
  tx: Transaction,
  { id, spec, checked, actor }: { id: string; spec: RolloutSpec; checked: Checked; actor: Actor },
  { clock }: RolloutPorts,
): Promise<void> {
  const nowMs = clock.nowMs();
  await lockCreation(tx);
  const open = await openRollouts(tx);
  const twin = open.find(({ name }) => name === spec.name);
  if (twin !== undefined)
    throw new StarlingError('rollout-exists', `a rollout ${spec.name} is ${twin.state}`, {
      field: 'name',
      hint: 'give it another name, or end that one',
    });
  if (open.length >= OPEN_ROLLOUTS_MAXIMUM)
    throw new StarlingError('too-many-rollouts', `${open.length} rollouts are open`, { field: 'name', hint: 'end some of them first' });
  await insertRollout(tx, {
    ...{ id, name: spec.name, spec, release: checked.release.digest, releaseName: checked.release.document.name, priority: spec.priority },
    ...{ state: 'scheduled', stepStartedAtMs: nowMs, joinedAtMs: nowMs, createdAtMs: nowMs, createdBy: actor.name },
  });
  const { release } = checked;
  const devices = await insertTargets(tx, { rollout: id, where: checked.where, release: release.digest, priority: spec.priority, spec });
  if (open.length > 0) await settleOverlaps(tx, id, spec, nowMs);
  const counts = (await tallyOf(tx, [id])).get(id)?.counts;
  if ((counts?.waiting ?? 0) === 0) {
    const why =
      (counts?.superseded ?? 0) > 0 ? 'rollouts of higher priority have them' : 'they run it already, or do not meet what it requires';
    throw new StarlingError('nothing-to-do', `none of ${devices} devices is left to start: ${why}`, { field: 'selector' });
  }
  await appendEvents(tx, id, nowMs, [
    {
      kind: 'created',
      actor: actor.name,
      text: `${spec.name} to ${release.document.name}: ${counts?.waiting} of ${devices} devices are to be started`,
      detail: { ...counts },
    },
  ]);
  await appendAudit(tx, clock, actor, 'rollout.create', spec.name, { rollout: id, release: release.digest, devices });
}

/** Of two rollouts on one device the one of higher priority has it; of equals the newer one, if it says so. */
async function settleOverlaps(tx: Transaction, id: string, { name, priority, supersede }: RolloutSpec, nowMs: number): Promise<void> {
  const overlaps = await overlapsOf(tx, id);
  const equal = overlaps.find((other) => other.priority === priority);
  if (equal !== undefined && !supersede)
    throw new StarlingError(
      'rollout-overlaps',
      `${equal.devices} of its devices are in the rollout ${equal.name}, which has the same priority (${priority})`,
      {
        field: 'selector',
        hint: `end ${equal.name}, give this one a higher priority, or "supersede: true" to take the devices from it`,
      },
    );
  const lower = overlaps.filter((other) => other.priority <= priority);
  if (lower.length === 0) return;
  await takeOver(
    tx,
    id,
    lower.map((other) => other.id),
    name,
    nowMs,
  );
  for (const other of lower)
    await appendEvents(tx, other.id, nowMs, [
      {
        kind: 'superseded',
        actor: 'fleet',
        text: `${other.devices} devices went to the rollout ${name}`,
        detail: { devices: other.devices, rollout: id },
      },
    ]);
}
