import type { Actor, DeviceImport } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import type { Database, Queryable } from '../db/index.ts';
import type { Clock, EventBus } from '../ports.ts';
import {
  changeDevices,
  countPatched,
  type DeviceChange,
  examplesOfPatched,
  knownIds,
  type LabelPatch,
  labelNamesOf,
  patchLabels,
  selectedPages,
} from './bulk-store.ts';
import { type CsvLine, type CsvProblem, headerOf, readDeviceCsv, rowOf } from './device-csv.ts';

/** Changes of many devices at once. */
export interface DeviceBulk {
  /** @param select the text of the selector, for the record of changes */
  label(
    target: { where: SQL; select: string },
    patch: LabelPatch,
    options: { dryRun: boolean; actor: Actor },
  ): Promise<{ selected: number; changing: number; examples: { id: string; name: string }[] }>;
  /** Names and labels of selected devices as CSV, piece by piece. */
  exportCsv(where: SQL): AsyncGenerator<string>;
  /** @throws StarlingError `bad-csv` where nothing of it can be used; bad lines are part of the answer */
  importCsv(text: AsyncIterable<Uint8Array>, options: { dryRun: boolean; skipBad: boolean; actor: Actor }): Promise<DeviceImport>;
}

interface BulkPorts {
  db: Database;
  clock: Clock;
  events: EventBus;
}

const EXAMPLES = 5;
/** Lines that are looked up and written in one statement. */
const BATCH_LINES = 2000;
/** Problems that are told; the number of all of them is told beside. */
const PROBLEMS_MAXIMUM = 1000;
/** More changed devices than this are one event: whoever shows devices reads them again. */
const EVENTS_MAXIMUM = 100;

export function createDeviceBulk({ db, clock, events }: BulkPorts): DeviceBulk {
  const announce = (ids: readonly string[]): void => {
    for (const id of ids.length > EVENTS_MAXIMUM ? ['many'] : ids) events.publish({ type: 'device', id, atMs: clock.nowMs(), detail: {} });
  };
  return {
    async label({ where, select }, patch, { dryRun, actor }) {
      const counted = await countPatched(db, where, patch);
      const examples = await examplesOfPatched(db, where, patch, EXAMPLES);
      if (dryRun) return { ...counted, examples };
      const ids = await db.transaction(async (tx) => {
        const changed = await patchLabels(tx, where, patch);
        await appendAudit(tx, clock, actor, 'device.label', select, { labels: patch, devices: changed.length });
        return changed;
      });
      announce(ids);
      return { selected: counted.selected, changing: ids.length, examples };
    },
    async *exportCsv(where) {
      const labels = await labelNamesOf(db, where);
      yield headerOf(labels);
      for await (const page of selectedPages(db, where)) yield page.map((device) => rowOf(device, labels)).join('');
    },
    async importCsv(text, { dryRun, skipBad, actor }) {
      const { rows, changes, problems, bad } = await readAll(db, text);
      const apply = !dryRun && (bad === 0 || skipBad);
      const ids = await db.transaction(async (tx) => {
        const changed: string[] = [];
        for (let at = 0; at < changes.length; at += BATCH_LINES)
          changed.push(...(await changeDevices(tx, changes.slice(at, at + BATCH_LINES), !apply)));
        if (apply) await appendAudit(tx, clock, actor, 'device.import', 'CSV', { lines: rows, devices: changed.length });
        return changed;
      });
      if (apply) announce(ids);
      return { rows, changing: ids.length, applied: apply, bad, problems };
    },
  };
}

/** All that a file asks for; lines about devices that are not there are problems too. */
async function readAll(db: Queryable, text: AsyncIterable<Uint8Array>) {
  const changes: DeviceChange[] = [];
  const problems: CsvProblem[] = [];
  let [rows, bad] = [0, 0];
  const refuse = (problem: CsvProblem): void => {
    bad += 1;
    if (problems.length < PROBLEMS_MAXIMUM) problems.push(problem);
  };
  const take = async (batch: readonly CsvLine[]): Promise<void> => {
    const known = await knownIds(
      db,
      batch.flatMap((line) => ('change' in line ? line.change.id : [])),
    );
    for (const line of batch) {
      if ('problem' in line) refuse(line.problem);
      else if (known.has(line.change.id)) changes.push(line.change);
      else refuse({ line: line.line, column: 'id', message: `there is no device ${line.change.id}`, hint: 'see "starling device ls"' });
    }
  };
  let batch: CsvLine[] = [];
  for await (const line of readDeviceCsv(text)) {
    rows += 1;
    batch.push(line);
    if (batch.length < BATCH_LINES) continue;
    await take(batch);
    batch = [];
  }
  await take(batch);
  return { rows, changes, problems, bad };
}
