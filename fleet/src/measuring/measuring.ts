import {
  type Actor,
  commandTable,
  type MeasurePlanItem,
  type MeasuringRequest,
  type MeasuringSettings,
  messageOf,
  type PageQuery,
  StarlingError,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { CommandGrants, Commands } from '../commands/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import { type FactPorts, gatherFacts } from './gather-facts.ts';
import { type Plan, planMeasuring, type Send } from './plan-measuring.ts';
import { deleteRequests, openRequests, profilesInUse, putRequests } from './store.ts';

/** Has devices measure artefacts, until enough of each profile have. */
export interface Measuring {
  readonly settings: MeasuringSettings;
  /** What is under way, what comes next, what waits. Changes nothing. */
  plan(page: PageQuery & { model?: string | undefined }): Promise<PageQuery & { items: MeasurePlanItem[]; total: number }>;
  /** What people asked for of a model and is not given up yet. */
  requests(model: string): Promise<MeasuringRequest[]>;
  /**
   * Has devices measure a model though none of them may be to run it.
   * @param wanted.profiles every profile that has an active device if not given
   * @throws StarlingError `not-found`, `unknown-profile`, `no-devices`
   */
  request(model: string, wanted: { profiles?: string[] | undefined; devices: number }, actor: Actor): Promise<MeasuringRequest[]>;
  withdraw(model: string, actor: Actor): Promise<void>;
  /** Plans and asks from now on. */
  start(): void;
  close(): Promise<void>;
}

interface MeasuringPorts extends FactPorts {
  commands: Pick<Commands, 'send'>;
  grants: CommandGrants;
  clock: Clock;
  events: EventBus;
  log: Log;
  /** One process of a fleet asks. */
  isMine(): boolean;
}

/** Rows are looked at this often, whatever happens. */
const LOOK_INTERVAL_MS = 60_000;
/** After something happened that may free a device: not for each of a herd. */
const LOOK_SOON_MS = 5_000;
/** Nobody waits for it, so it waits long for an idle device. */
const IDLE_WAIT_MS = 10 * 60_000;
/** As whom the fleet asks. */
const FLEET = { name: 'fleet' };

export function createMeasuring(ports: MeasuringPorts): Measuring {
  const { settings, clock, events, log } = ports;
  const plan = async (): Promise<Plan> => planMeasuring(await gatherFacts(ports, clock.nowMs()));
  let interval: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let ignore: () => void = () => undefined;
  let looking: Promise<void> = Promise.resolve();

  const look = (): void => {
    looking = looking.then(async () => {
      if (!ports.isMine()) return;
      // What was decided stands in rows before the next look: a fleet that ends here has asked, or has not.
      for (const send of (await plan()).sends) await ask(send, ports);
    });
    looking = looking.catch((error: unknown) => log.warn({ error: messageOf(error) }, 'no device could be asked to measure'));
  };
  const lookSoon = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      look();
    }, LOOK_SOON_MS);
  };
  return {
    settings,
    async plan({ model, limit, offset }) {
      const items = (await plan()).items.filter((item) => model === undefined || item.model.digest === model);
      return { items: items.slice(offset, offset + limit), total: items.length, limit, offset };
    },
    requests: (model) => openRequests(ports.db, clock.nowMs(), model),
    async request(model, wanted, actor) {
      const requests = await storeRequest(model, wanted, actor, ports);
      lookSoon();
      return requests;
    },
    async withdraw(model, actor) {
      const { name, version } = await ports.models.show(model);
      await ports.db.transaction(async (tx) => {
        await deleteRequests(tx, model);
        await appendAudit(tx, clock, actor, 'measuring.withdraw', `${name}@${version}`, { digest: model });
      });
    },
    start() {
      interval = setInterval(look, LOOK_INTERVAL_MS);
      ignore = events.subscribe(({ type, detail }) => {
        const isFree =
          type === 'command' ? detail.status === 'done' || detail.status === 'failed' : type === 'reported' && detail.phase === 'running';
        if (isFree) lookSoon();
      });
      lookSoon();
    },
    async close() {
      clearInterval(interval);
      clearTimeout(soon);
      ignore();
      await looking;
    },
  };
}

async function storeRequest(
  model: string,
  { profiles, devices }: { profiles?: string[] | undefined; devices: number },
  actor: Actor,
  { db, clock, models, profiles: known }: MeasuringPorts,
): Promise<MeasuringRequest[]> {
  const { name, version } = await models.show(model);
  const unknown = profiles?.find((profile) => !known.has(profile));
  if (unknown !== undefined)
    throw new StarlingError('unknown-profile', `there is no profile ${unknown}`, { field: 'profiles', hint: [...known.keys()].join(', ') });
  const inUse = await profilesInUse(db);
  const wanted = [...new Set(profiles ?? inUse)];
  if (wanted.every((profile) => !inUse.includes(profile))) {
    throw new StarlingError('no-devices', `no active device is of ${profiles?.join(', ') ?? 'any profile'}`, {
      field: 'profiles',
      hint: 'enrol a device first, or name another profile',
    });
  }
  await db.transaction(async (tx) => {
    await putRequests(tx, wanted, { model, devices, requestedBy: actor.name, requestedAtMs: clock.nowMs() });
    await appendAudit(tx, clock, actor, 'measuring.request', `${name}@${version}`, { digest: model, profiles: wanted, devices });
  });
  return openRequests(db, clock.nowMs(), model);
}

async function ask({ device, model, artefacts }: Send, { commands, grants, settings, log }: MeasuringPorts): Promise<void> {
  const named = artefacts.map((artefact) => ({ artefact, modelVersion: model }));
  const shares = { maximumLoadShare: settings.loadShare, minimumIdleShare: settings.idleShare };
  const given = commandTable.benchmark.arguments.parse({ artefacts: named, ...shares, idleWaitMs: IDLE_WAIT_MS });
  const { blobs, extraLifeMs } = await grants('benchmark', given);
  const { id } = await commands.send(device, 'benchmark', given, FLEET, { blobs, extraLifeMs });
  log.info({ device, command: id, model, artefacts: artefacts.length }, 'asked a device to measure');
}
