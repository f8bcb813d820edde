import {
  type Actor,
  type BatchFailure,
  type BatchTargetState,
  type BatchTargetView,
  type CommandBatchView,
  type CommandName,
  isStarlingError,
  messageOf,
  type PageQuery,
  readArguments,
  StarlingError,
} from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import type { Database, Transaction } from '../db/index.ts';
import type { Clock, EventBus, Ids, Log } from '../ports.ts';
import {
  type BatchRow,
  batchById,
  endBatch,
  insertBatch,
  nextDevices,
  openOfBatch,
  runningBatches,
  selectBatches,
  selectFailures,
  selectTargets,
  type Tally,
  takeTurn,
  talliesOf,
} from './batch-store.ts';
import type { Commands, SendOptions } from './commands.ts';
import type { CommandGrants } from './grants.ts';

/**
 * Commands for many devices.
 *
 * INVARIANTS
 * - A device of a batch gets its command once: its turn is taken in the transaction that makes the command.
 * - At most `maxInFlight` connected devices work on it; those that are away take no place, and get it when they are back.
 * - Everything stands in the database: a fleet that was killed goes on where it was.
 */
export interface CommandBatches {
  /** @param within in the transaction that makes it: if it throws, nothing is made */
  create(batch: NewBatch, actor: Actor, within?: (tx: Transaction, id: string) => Promise<void>): Promise<CommandBatchView>;
  list(filter: PageQuery & { name?: string | undefined }): Promise<{ items: CommandBatchView[]; total: number }>;
  show(id: string): Promise<CommandBatchView>;
  devices(id: string, page: PageQuery & { state?: BatchTargetState | undefined }): Promise<{ items: BatchTargetView[]; total: number }>;
  /** Why devices failed. */
  failures(id: string, page: PageQuery): Promise<{ items: BatchFailure[]; total: number }>;
  /** @throws StarlingError `batch-ended` */
  cancel(id: string, actor: Actor): Promise<CommandBatchView>;
  /** Sends on what is due. One process of a fleet does it. */
  pass(): Promise<void>;
}

export interface NewBatch extends Pick<CommandBatchView, 'name' | 'arguments' | 'select' | 'maxInFlight' | 'stopAfter' | 'lifeMinutes'> {}

interface BatchPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  events: EventBus;
  log: Log;
  commands: Commands;
  grants: CommandGrants;
  /** Devices that a selector means. */
  where(select: string): Promise<SQL>;
}

const MINUTE_MS = 60_000;
/** Commands for devices that are away, made in one pass: they cost rows alone. */
const AWAY_PER_PASS = 500;

export function createCommandBatches(ports: BatchPorts): CommandBatches {
  const { db, clock, ids, events, commands } = ports;
  const find = async (id: string): Promise<BatchRow> => {
    const row = await batchById(db, id);
    if (row === undefined) throw new StarlingError('not-found', `there is no command for many devices ${id}`, { field: 'id' });
    return row;
  };
  const viewsOf = async (rows: readonly BatchRow[]): Promise<CommandBatchView[]> => {
    const tallies = await talliesOf(
      db,
      rows.map(({ id }) => id),
    );
    return rows.map((row) => toView(row, tallies.get(row.id)));
  };
  const show = async (id: string): Promise<CommandBatchView> => {
    const row = await find(id);
    return toView(row, (await talliesOf(db, [id])).get(id));
  };
  const announce = ({ id, name, state }: Pick<BatchRow, 'id' | 'name' | 'state'>): void =>
    events.publish({ type: 'command', id, atMs: clock.nowMs(), detail: { batch: id, name, status: state } });

  return {
    show,
    async create({ name, arguments: given, select, maxInFlight, stopAfter, lifeMinutes }, actor, within) {
      const checked = readArguments(name, given);
      // What it may fetch is asked before anybody is told.
      await ports.grants(name, checked);
      const where = await ports.where(select);
      const row: Omit<BatchRow, 'total'> = {
        ...{ id: ids.next(), name, arguments: checked, select, maxInFlight, lifeMinutes },
        ...{ stopPercent: stopAfter.percent, stopMinimum: stopAfter.minimum, state: 'running', reason: null, finishedAtMs: null },
        ...{ createdAtMs: clock.nowMs(), createdBy: actor.name },
      };
      await db.transaction(async (tx) => {
        const total = await insertBatch(tx, row, where);
        if (total === 0) {
          throw new StarlingError('no-device', 'the selector means no device that is let in', {
            field: 'select',
            hint: 'see "starling device ls --select ..."',
          });
        }
        await appendAudit(tx, clock, actor, `command.${name}`, `${total} devices`, { batch: row.id, select });
        await within?.(tx, row.id);
      });
      announce(row);
      await passOver(await find(row.id), ports);
      return show(row.id);
    },
    async list(page) {
      const { rows, total } = await selectBatches(db, page);
      return { items: await viewsOf(rows), total };
    },
    async devices(id, page) {
      await find(id);
      return selectTargets(db, id, page);
    },
    async failures(id, page) {
      await find(id);
      return selectFailures(db, id, page);
    },
    async cancel(id, actor) {
      const { name, state } = await find(id);
      const ended = await endBatch(db, id, { state: 'cancelled', reason: `cancelled by ${actor.name}`, finishedAtMs: clock.nowMs() });
      if (ended === undefined)
        throw new StarlingError('batch-ended', `it has ended: ${state}`, { field: 'id', hint: 'there is nothing to cancel' });
      await appendAudit(db, clock, actor, 'command.cancel', id, { name, batch: id });
      // One may end by itself meanwhile: that is as good.
      for (const command of await openOfBatch(db, id)) await commands.cancel(command, actor, false).catch(() => undefined);
      announce(ended);
      return show(id);
    },
    async pass() {
      for (const batch of await runningBatches(db)) {
        await passOver(batch, ports).catch((error: unknown) =>
          ports.log.warn({ batch: batch.id, error: messageOf(error) }, 'a command for many devices does not go on; it is tried again'),
        );
      }
    },
  };
}

async function passOver(batch: BatchRow, ports: BatchPorts): Promise<void> {
  const { db, clock, events } = ports;
  const tally = (await talliesOf(db, [batch.id])).get(batch.id) ?? { counts: {}, inFlight: 0 };
  const end = endOf(batch, tally);
  if (end !== undefined) {
    const ended = await endBatch(db, batch.id, { ...end, finishedAtMs: clock.nowMs() });
    if (ended !== undefined)
      events.publish({
        type: 'command',
        id: batch.id,
        atMs: clock.nowMs(),
        detail: { batch: batch.id, name: batch.name, status: end.state },
      });
    return;
  }
  const room = Math.max(0, batch.maxInFlight - tally.inFlight);
  const due = [...(await nextDevices(db, batch.id, true, room)), ...(await nextDevices(db, batch.id, false, AWAY_PER_PASS))];
  const grant = due.length === 0 ? undefined : await ports.grants(batch.name as CommandName, batch.arguments);
  for (const device of due) {
    const options: SendOptions = {
      ...grant,
      lifeMs: batch.lifeMinutes * MINUTE_MS,
      // The batch was audited as a whole.
      within: (tx, command) => takeTurn(tx, batch.id, device, command),
    };
    try {
      await ports.commands.send(device, batch.name as CommandName, batch.arguments, { name: batch.createdBy }, options);
    } catch (error) {
      // Another process has sent it meanwhile: that is as good.
      if (!isStarlingError(error) || error.code !== 'turn-taken') throw error;
    }
  }
}

/** Whether it is over, and why. Pure, so that each way is tried in a test. */
export function endOf(
  { stopPercent, stopMinimum, total }: Pick<BatchRow, 'stopPercent' | 'stopMinimum' | 'total'>,
  { counts }: Pick<Tally, 'counts'>,
): Pick<BatchRow, 'state' | 'reason'> | undefined {
  const { done = 0, failed = 0, expired = 0, cancelled = 0 } = counts;
  const ended = done + failed + expired + cancelled;
  if (ended >= total) return { state: 'done', reason: null };
  // Silence is no answer: who was away, or did not answer in time, says nothing about the command.
  const answered = done + failed;
  if (answered < stopMinimum || (100 * failed) / answered < stopPercent) return undefined;
  return { state: 'stopped', reason: `${failed} of ${answered} devices that answered have failed` };
}

function toView({ stopPercent, stopMinimum, name, ...row }: BatchRow, tally: Tally = { counts: {}, inFlight: 0 }): CommandBatchView {
  return {
    ...row,
    name: name as CommandBatchView['name'],
    stopAfter: { percent: stopPercent, minimum: stopMinimum },
    counts: tally.counts,
  };
}
