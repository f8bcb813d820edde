import {
  type Actor,
  type CommandName,
  type CommandProgress,
  type CommandResult,
  type CommandView,
  commandProgressSchema,
  type PageQuery,
  readArguments,
  StarlingError,
  signDocument,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { createGatherer, type Database, type Transaction } from '../db/index.ts';
import type { Clock, EventBus, Ids, Log } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import {
  type CommandRow,
  commandById,
  expireCommands,
  insertCommand,
  markSent,
  openCommands,
  openCommandsOf,
  selectCommands,
  selectNamedCommands,
  toCommandView,
  updateOpenCommand,
  withResult,
} from './store.ts';

export interface SendOptions {
  /** Chunks that the device may fetch while the command is open. */
  blobs?: string[];
  lifeMs?: number;
  extraLifeMs?: number;
  /** In the transaction that makes the command, in the place of its audit entry. If it throws, the command is not made. */
  within?: (tx: Transaction, id: string) => Promise<void>;
}

/** Commands live in the database; the wire only carries them. */
export interface Commands {
  send(
    device: string,
    name: CommandName,
    commandArguments: Record<string, unknown>,
    actor: Pick<Actor, 'name'>,
    options?: SendOptions,
  ): Promise<CommandView>;
  /** Waits until the command has ended, or for `waitMs`. */
  wait(id: string, waitMs: number): Promise<CommandView>;
  show(id: string): Promise<CommandView>;
  list(device: string, page: PageQuery): Promise<{ items: CommandView[]; total: number }>;
  /** Of one name, of all devices. */
  named(filter: Parameters<typeof selectNamedCommands>[1]): ReturnType<typeof selectNamedCommands>;
  result(device: string, result: CommandResult): Promise<void>;
  /**
   * Ends an open command at once, and tells its device, whatever that answers: nothing waits for it any more.
   * @param audit false where whoever calls has said it of many at once
   * @throws StarlingError `command-ended`
   */
  cancel(id: string, actor: Pick<Actor, 'name'>, audit?: boolean): Promise<CommandView>;
  /** Is it an open command whose result is uploaded? */
  expectsUpload(device: string, id: string): Promise<boolean>;
  /** What it makes is stored: named in its result, whatever else comes into that. */
  uploaded(device: string, id: string, upload: { manifest: string; digest: string; sizeBytes: number }): Promise<void>;
  /** Sends what is open again: the device has connected. */
  resend(device: string): Promise<void>;
  reaches(device: string, digest: string): Promise<boolean>;
  /** Another process of this fleet has heard how far a command is. */
  progressElsewhere(id: string, progress: unknown): void;
  expire(): Promise<void>;
  /** The way to devices, set when the broker runs. */
  onSend(publish: (device: string, name: CommandName, jws: string) => Promise<boolean>): void;
}

/** How long a device may take to come back and do it. */
const LIFE_MS = 15 * 60_000;
/** Commands that make more than a result holds. */
const uploading: ReadonlySet<string> = new Set<CommandName>(['diagnostics', 'capture']);
const ended: ReadonlySet<CommandView['status']> = new Set(['done', 'failed', 'expired', 'cancelled']);

interface CommandPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  keyring: Keyring;
  events: EventBus;
  log: Log;
}

export function createCommands({ db, clock, ids, keyring, events, log }: CommandPorts): Commands {
  /** For devices that come back, which they do in herds. */
  const open = createGatherer((batch: ReadonlyMap<string, null>) => openCommandsOf(db, [...batch.keys()]));
  /** Where open commands stand: worth telling, not worth a row. */
  const progress = new Map<string, CommandProgress>();
  /** Chunks of open commands per device: asked for with every chunk, and changed by commands alone. */
  const granted = new Map<string, Promise<ReadonlySet<string>>>();
  const grantedTo = (device: string): Promise<ReadonlySet<string>> => {
    const known = granted.get(device) ?? openCommands(db, device).then((rows) => new Set(rows.flatMap(({ blobs }) => blobs)));
    granted.set(device, known);
    known.catch(() => granted.delete(device));
    return known;
  };
  let publish: (device: string, name: CommandName, jws: string) => Promise<boolean> = async () => false;

  const transmit = async (row: CommandRow): Promise<void> => {
    const { id, device, issuer, issuedAtMs, notAfterMs } = row;
    const name = row.name as CommandName;
    const document = {
      kind: 'command',
      schemaVersion: 1,
      critical: [],
      id,
      device,
      name,
      issuer,
      issuedAtMs,
      notAfterMs,
      arguments: row.arguments,
    };
    const sent = await publish(device, name, await signDocument(keyring.signer, 'command', document));
    // Its answer may have come before this.
    if (sent && row.status === 'queued') await markSent(db, id, device);
  };
  const withProgress = (view: CommandView): CommandView => {
    const known = progress.get(view.id);
    return known === undefined || ended.has(view.status) ? view : { ...view, progress: known };
  };
  const show = async (id: string): Promise<CommandView> => {
    const row = await commandById(db, id);
    if (row === undefined) throw new StarlingError('not-found', `there is no command ${id}`, { field: 'id' });
    return withProgress(toCommandView(row));
  };
  const announce = (row: CommandRow): void =>
    events.publish({
      type: 'command',
      id: row.id,
      atMs: clock.nowMs(),
      detail: {
        device: row.device,
        name: row.name,
        status: row.status,
        ...(progress.has(row.id) ? { progress: progress.get(row.id) } : {}),
      },
    });

  const send: Commands['send'] = async (
    device,
    name,
    commandArguments,
    actor,
    { blobs = [], lifeMs = LIFE_MS, extraLifeMs = 0, within } = {},
  ) => {
    const checked = readArguments(name, commandArguments);
    const nowMs = clock.nowMs();
    const row: CommandRow = {
      id: ids.next(),
      device,
      name,
      arguments: checked,
      issuer: actor.name,
      status: 'queued',
      result: null,
      error: null,
      blobs,
      issuedAtMs: nowMs,
      notAfterMs: nowMs + lifeMs + extraLifeMs,
      finishedAtMs: null,
    };
    await db.transaction(async (tx) => {
      await insertCommand(tx, row);
      if (within === undefined) await appendAudit(tx, clock, actor, `command.${name}`, device, { id: row.id });
      else await within(tx, row.id);
    });
    granted.delete(device);
    await transmit(row);
    return toCommandView(row);
  };
  return {
    send,
    async wait(id, waitMs) {
      const first = await show(id);
      if (ended.has(first.status) || waitMs === 0) return first;
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          stop();
          resolve();
        };
        const timer = setTimeout(finish, waitMs);
        const stop = events.subscribe((event) => {
          if (event.type === 'command' && event.id === id && ended.has(event.detail.status as CommandView['status'])) finish();
        });
        // It may have ended between the first look and the subscription.
        show(id).then((now) => ended.has(now.status) && finish(), finish);
      });
      return show(id);
    },
    show,
    async named(filter) {
      const { items, total } = await selectNamedCommands(db, filter);
      return { items: items.map((item) => ({ ...item, ...withProgress(item) })), total };
    },
    async list(device, page) {
      const { items, total } = await selectCommands(db, device, page);
      return { items: items.map(withProgress), total };
    },
    async result(device, result) {
      const finishedAtMs = ended.has(result.status) ? clock.nowMs() : null;
      const row = await updateOpenCommand(db, result.id, device, {
        status: result.status,
        ...(result.result === undefined ? {} : { result: withResult(besideUpload(result.result)) }),
        error: result.error ?? null,
        finishedAtMs,
      });
      if (row === undefined) return log.debug({ device, command: result.id }, 'a result for a command that is not open');
      if (result.progress !== undefined) progress.set(result.id, result.progress);
      if (finishedAtMs !== null) {
        progress.delete(result.id);
        granted.delete(device);
      }
      announce(row);
    },
    async resend(device) {
      for (const row of (await open.add(device, null)) ?? []) await transmit(row);
    },
    async cancel(id, actor, audit = true) {
      const { device, name, status } = await show(id);
      const ended = await updateOpenCommand(db, id, device, { status: 'cancelled', finishedAtMs: clock.nowMs() });
      if (ended === undefined) {
        throw new StarlingError('command-ended', `the command has ended: ${status}`, { field: 'id', hint: 'there is nothing to cancel' });
      }
      progress.delete(id);
      granted.delete(device);
      announce(ended);
      // A device that never got it has nothing to end.
      if (status !== 'queued') await send(device, 'cancel', { command: id }, actor, audit ? {} : { within: async () => undefined });
      else if (audit) await appendAudit(db, clock, actor, 'command.cancel', device, { id, name });
      return toCommandView(ended);
    },
    async expectsUpload(device, id) {
      const row = await commandById(db, id);
      return row !== undefined && row.device === device && uploading.has(row.name) && !ended.has(row.status);
    },
    async uploaded(device, id, upload) {
      await updateOpenCommand(db, id, device, { result: withResult({ upload }) });
    },
    async reaches(device, digest) {
      if ((await grantedTo(device)).has(digest)) return true;
      // A no may come of an old memory: another process may have made the command.
      granted.delete(device);
      return (await grantedTo(device)).has(digest);
    },
    progressElsewhere(id, given) {
      const { data } = commandProgressSchema.safeParse(given);
      if (data === undefined) progress.delete(id);
      else progress.set(id, data);
    },
    async expire() {
      for (const row of await expireCommands(db, clock.nowMs())) {
        progress.delete(row.id);
        granted.delete(row.device);
        announce(row);
      }
    },
    onSend(send) {
      publish = send;
    },
  };
}

/** What was uploaded is named in the result already, by the fleet. Attack: a device that names a blob which is none of its own. */
function besideUpload({ upload: _upload, ...result }: Record<string, unknown>): Record<string, unknown> {
  return result;
}
