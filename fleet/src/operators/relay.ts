import { createHash } from 'node:crypto';
import {
  type Actor,
  api,
  type CommandName,
  isStarlingError,
  messageOf,
  neededScope,
  type OperatorCommandName,
  type OperatorRequest,
  type OperatorResult,
  operatorCancelSchema,
  parseWith,
  StarlingError,
} from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import { requireRole, requireScope } from '../auth/index.ts';
import type { CommandBatches, CommandGrants, Commands } from '../commands/index.ts';
import type { Database, Transaction } from '../db/index.ts';
import type { Devices } from '../devices/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import type { OperatorAccounts } from './accounts.ts';
import { answerOfBatch, answerOfCommand, refusal } from './answer.ts';
import { createFollowed } from './followed.ts';
import { readRequest } from './read-request.ts';
import { deleteRequestsBefore, insertRequest, openWork, type RequestRow, requestBehind, requestOf, requestsSince } from './store.ts';
import { createTold } from './told.ts';

/**
 * Carries commands of operators' own MQTT tools to devices, and answers back.
 *
 * INVARIANTS
 * - A request makes its command once: the row that remembers it is written in the transaction that makes the command.
 * - Role, scope and devices of the account are asked anew for each request: who was shut out commands nothing more.
 * - Answers are sent at least once, in order, to whoever of the account listens; none is kept. Asking again says where it stands.
 * - One that says nothing new is not sent again, unless somebody asks: several events may have the same step behind them.
 * - Of several processes one answers. The next one begins with where the requests of the last minutes stand.
 */
export interface OperatorRelay {
  /** @param name last part of the topic */
  receive(account: string, name: string, payload: Uint8Array): Promise<void>;
  /** The way to the operators, set when the broker runs. */
  onSend(ways: OperatorWays): void;
  /** The broker was away and is back: what could not be said meanwhile is said now. */
  resumed(): void;
  /** Goes on answering what was open when the fleet ended. */
  start(): Promise<void>;
  /** Forgets requests that nobody can ask for again. */
  expire(): Promise<void>;
  close(): void;
}

export interface OperatorWays {
  /** @returns false where there is no way now, and it has to be said once there is one */
  send(account: string, request: string, result: OperatorResult): Promise<boolean>;
  /** Never rejects. */
  disconnect(account: string): Promise<void>;
}

export interface OperatorRelayPorts {
  db: Database;
  clock: Clock;
  events: EventBus;
  log: Log;
  accounts: Pick<OperatorAccounts, 'actorOf'>;
  devices: Pick<Devices, 'find' | 'list'>;
  commands: Commands;
  batches: CommandBatches;
  grants: CommandGrants;
  where(select: string): Promise<SQL>;
  /** Is one more request of this account within its limit? */
  mayAsk(account: string): boolean;
  /** Is it this process that answers operators now? */
  isMine(): boolean;
}

/** Longer than any command lives. */
const REMEMBERED_MS = 40 * 86_400_000;
const MINUTE_MS = 60_000;
/** So often a process looks whether it is the one that answers. */
const LOOK_MS = 1_000;
/** What ended while no process answered, or one that was about to end, is told by the next one. */
const TOLD_ANEW_MS = 2 * MINUTE_MS;

export function createOperatorRelay(ports: OperatorRelayPorts): OperatorRelay {
  const { db, clock, log, commands, batches } = ports;
  let ways: OperatorWays = { send: async () => false, disconnect: async () => undefined };
  const followed = createFollowed();
  /** The answers of one account leave in the order in which they were made. */
  const tails = new Map<string, Promise<void>>();
  const inOrder = (account: string, work: () => Promise<void>): void => {
    const tail = (tails.get(account) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => log.warn({ account, error: messageOf(error) }, 'an answer to an operator was lost'))
      .finally(() => {
        if (tails.get(account) === tail) tails.delete(account);
      });
    tails.set(account, tail);
  };
  const told = createTold();
  /** Requests of which something could not be said, by their place in the table. */
  const unsaid = new Map<string, RequestRow>();
  const sendNews = async (row: RequestRow, answer: OperatorResult, isAsked = false): Promise<void> => {
    const { account, request } = row;
    if (isAsked || told.isNews(account, answer)) {
      if (!(await ways.send(account, request, answer))) return void unsaid.set(JSON.stringify([account, request]), row);
      told.note(account, answer);
    }
    followed.said(answer);
  };
  const tell = async (row: RequestRow, isAsked = false): Promise<void> => {
    const { request, command, batch } = row;
    if (command !== null) await sendNews(row, answerOfCommand(request, await commands.show(command), clock.nowMs()), isAsked);
    if (batch !== null) await sendNews(row, answerOfBatch(request, await batches.show(batch), clock.nowMs()), isAsked);
  };
  const follow = ({ command, batch }: Pick<RequestRow, 'command' | 'batch'>): void =>
    followed.add({ commands: command === null ? [] : [command], batches: batch === null ? [] : [batch] });
  let looking: NodeJS.Timeout | undefined;
  let wasMine = ports.isMine();
  /** @returns whether this process answers; told where all stands as soon as it does so again */
  const isMine = (): boolean => {
    const mine = ports.isMine();
    if (mine && !wasMine) {
      takeOver().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'requests of operators were not taken over'));
    }
    wasMine = mine;
    return mine;
  };
  const followOpen = async (): Promise<void> => followed.add(await openWork(db));
  const takeOver = async (): Promise<void> => {
    await followOpen();
    for (const row of await requestsSince(db, clock.nowMs() - TOLD_ANEW_MS)) inOrder(row.account, () => tell(row));
  };
  const unsubscribe = ports.events.subscribe((event) => {
    if (event.type !== 'command' || !isMine()) return;
    if (!followed.mayBeOwn(event.id)) return;
    void answerEvent(event.id).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'an answer to an operator was lost'));
  });
  const answerEvent = async (id: string): Promise<void> => {
    const found = await requestBehind(db, id);
    if (found === undefined) return;
    const { request: row, isPart } = found;
    inOrder(row.account, async () => {
      if (isPart) await sendNews(row, answerOfCommand(row.request, await commands.show(id), clock.nowMs()));
      await tell(row);
    });
  };
  return {
    async receive(account, name, payload) {
      if (!isMine()) return;
      const { id, read } = readRequest(name, payload, clock.nowMs());
      try {
        if (!ports.mayAsk(account)) throw tooMany(account);
        const known = await ports.accounts.actorOf(account);
        if (known === undefined) {
          await ways.disconnect(account);
          return;
        }
        requireRole(known.actor, api.commandDevice.access);
        requireScope(known.actor, neededScope(api.commandDevice));
        if ('error' in read) throw read.error;
        const caller = { account, select: known.select, actor: { ...known.actor, name: `mqtt ${account}, ${known.actor.name}` } };
        const { row, isRepeat } = await carryOut(caller, read.name, read.request, { ...ports, follow });
        follow(row);
        // Of one that is new an event may have told where it stands already.
        inOrder(account, () => tell(row, isRepeat));
      } catch (error) {
        if (!isStarlingError(error)) log.error({ account, error: messageOf(error) }, 'a request of an operator failed');
        inOrder(account, async () => void (await ways.send(account, id, refusal(id, error, clock.nowMs()))));
      }
    },
    onSend(given) {
      ways = given;
    },
    resumed() {
      const rows = [...unsaid.values()];
      unsaid.clear();
      for (const row of rows) inOrder(row.account, () => tell(row));
    },
    async start() {
      await followOpen();
      looking = setInterval(isMine, LOOK_MS).unref();
    },
    expire: () => deleteRequestsBefore(db, clock.nowMs() - REMEMBERED_MS),
    close() {
      clearInterval(looking);
      unsubscribe();
    },
  };
}

interface Caller {
  account: string;
  select: string | null;
  actor: Actor;
}

/** @returns the row of the request: of this one, or of the same one before, which is asked after */
async function carryOut(
  caller: Caller,
  name: OperatorCommandName,
  request: OperatorRequest,
  ports: OperatorRelayPorts & { follow(row: RequestRow): void },
): Promise<{ row: RequestRow; isRepeat: boolean }> {
  const { db, clock } = ports;
  const digest = createHash('sha256')
    .update(JSON.stringify([name, request]))
    .digest('hex');
  const before = await requestOf(db, caller.account, request.request);
  if (before !== undefined) return { row: sameAsBefore(before, digest), isRepeat: true };
  const row: RequestRow = {
    ...{ account: caller.account, request: request.request, digest, name, command: null, batch: null, createdAtMs: clock.nowMs() },
  };
  const remember = async (tx: Transaction, made: Pick<RequestRow, 'command'> | Pick<RequestRow, 'batch'>): Promise<void> => {
    Object.assign(row, made);
    // Two of the same at the same moment: one makes the command, and the other finds it.
    if (!(await insertRequest(tx, row))) throw new StarlingError('repeated', 'the request is being carried out');
    // Devices may have answered before the last of them is sent to: their steps are told too.
    ports.follow(row);
  };
  try {
    if (name === 'cancel') return { row: await cancelRequest(caller, request, ports), isRepeat: false };
    if (request.device === undefined) await sendToMany(caller, name, request, ports, remember);
    else await sendToOne(caller, name, request.device, request, ports, remember);
    return { row, isRepeat: false };
  } catch (error) {
    const twin = isStarlingError(error) && error.code === 'repeated' ? await requestOf(db, caller.account, request.request) : undefined;
    if (twin === undefined) throw error;
    return { row: sameAsBefore(twin, digest), isRepeat: true };
  }
}

type Remember = (tx: Transaction, made: Pick<RequestRow, 'command'> | Pick<RequestRow, 'batch'>) => Promise<void>;

async function sendToOne(
  caller: Caller,
  name: CommandName,
  device: string,
  request: OperatorRequest,
  ports: OperatorRelayPorts,
  remember: Remember,
) {
  const { actor, select, account } = caller;
  await ports.devices.find(device);
  if (select !== null) {
    const { total } = await ports.devices.list({
      limit: 1,
      offset: 0,
      sort: 'name',
      where: await ports.where(`(${select}) && id == "${device}"`),
    });
    if (total === 0) {
      throw new StarlingError('out-of-scope', `the account ${account} may command devices of ${select} alone`, {
        field: 'device',
        hint: 'take one of these, or an account that may command it',
      });
    }
  }
  await ports.commands.send(device, name, request.arguments, actor, {
    ...(await ports.grants(name, request.arguments, device)),
    lifeMs: request.lifeMinutes * MINUTE_MS,
    within: async (tx, id) => {
      await remember(tx, { command: id });
      await appendAudit(tx, ports.clock, actor, `command.${name}`, device, { id, account, request: request.request });
    },
  });
}

async function sendToMany(
  { actor, select }: Caller,
  name: Exclude<OperatorCommandName, 'cancel'>,
  request: OperatorRequest,
  { batches, where }: OperatorRelayPorts,
  remember: Remember,
): Promise<void> {
  const { select: asked = '', arguments: given, maxInFlight, stopAfter, lifeMinutes } = request;
  // By itself first: a mistake is told with its place in what was asked, and cannot reach out of it into what bounds the account.
  await where(asked);
  const bounded = select === null ? asked : `(${select}) && (${asked})`;
  await batches.create({ name, arguments: given, select: bounded, maxInFlight, stopAfter, lifeMinutes }, actor, (tx, id) =>
    remember(tx, { batch: id }),
  );
}

/** Ends a request of before, and answers with where that stands. Ending twice is an error that says so. */
async function cancelRequest({ account, actor }: Caller, request: OperatorRequest, ports: OperatorRelayPorts): Promise<RequestRow> {
  const { request: id } = parseWith(operatorCancelSchema, request.arguments);
  const row = await requestOf(ports.db, account, id);
  if (row === undefined) {
    throw new StarlingError('not-found', `the account ${account} has asked for nothing as "${id}"`, { field: 'arguments.request' });
  }
  if (row.command !== null) await ports.commands.cancel(row.command, actor);
  if (row.batch !== null) await ports.batches.cancel(row.batch, actor);
  return row;
}

function sameAsBefore(row: RequestRow, digest: string): RequestRow {
  if (row.digest === digest) return row;
  throw new StarlingError('request-taken', `the request id "${row.request}" was used for something else`, {
    field: 'request',
    hint: 'take a new id for a new request',
  });
}

function tooMany(account: string): StarlingError {
  return new StarlingError('too-many-requests', `the account ${account} asks too fast`, {
    field: 'request',
    hint: 'wait a moment; for many devices, send one request with a selector',
  });
}
