import { commandTable, type MeasurePlanItem, type MeasuringSettings, messageOf, type PageQuery } from '@starling/shared';
import type { CommandGrants, Commands } from '../commands/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import { type FactPorts, gatherFacts } from './gather-facts.ts';
import { type Plan, planMeasuring, type Send } from './plan-measuring.ts';

/** Has devices measure artefacts, until enough of each profile have. */
export interface Measuring {
  readonly settings: MeasuringSettings;
  /** What is under way, what comes next, what waits. Changes nothing. */
  plan(page: PageQuery & { model?: string | undefined }): Promise<PageQuery & { items: MeasurePlanItem[]; total: number }>;
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
    start() {
      if (settings.devicesPerProfile === 0) return;
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

async function ask({ device, model, artefacts }: Send, { commands, grants, settings, log }: MeasuringPorts): Promise<void> {
  const named = artefacts.map((artefact) => ({ artefact, modelVersion: model }));
  const shares = { maximumLoadShare: settings.loadShare, minimumIdleShare: settings.idleShare };
  const given = commandTable.benchmark.arguments.parse({ artefacts: named, ...shares, idleWaitMs: IDLE_WAIT_MS });
  const { blobs, extraLifeMs } = await grants('benchmark', given);
  const { id } = await commands.send(device, 'benchmark', given, FLEET, { blobs, extraLifeMs });
  log.info({ device, command: id, model, artefacts: artefacts.length }, 'asked a device to measure');
}
