import {
  type Actor,
  edgeValueView,
  type ReplayOf,
  type ReplayResult,
  replayResultSchema,
  StarlingError,
  TAPS_MAXIMUM,
  type TapMessage,
  type TapOptions,
  type TapValueView,
  type TapView,
  tapResultSchema,
} from '@starling/shared';
import { type Commands, resultOf } from '../commands/index.ts';
import type { Clock, Ids } from '../ports.ts';
import { createViewers, type TapViewer, type Viewers } from './viewers.ts';

/** Live views of edges on devices. Nothing of it is stored but who started it. */
export interface Taps {
  /**
   * @param at the device that runs the part where the edges lie, if it is another
   * @throws StarlingError `too-many-taps`, `command-timeout`, and what the device answers: `egress-refused`, `unknown-edge`, ...
   */
  start(device: string, options: TapOptions, actor: Actor, at?: string): Promise<TapView>;
  list(device: string): TapView[];
  /** @throws StarlingError `not-found` */
  stop(device: string, tap: string, actor: Actor): Promise<void>;
  /** @throws StarlingError `not-found`, `too-many-viewers` */
  view(device: string, tap: string): TapViewer;
  /** @param blobs chunks of an input that is sent along */
  replay(device: string, given: ReplayGiven, actor: Actor, blobs: string[]): Promise<Replayed>;
  /** Is anybody waiting for values of this name? Whatever else a device sends is not even decoded. */
  expects(device: string, tap: string): boolean;
  receive(device: string, message: TapMessage): void;
  deviceGone(device: string): void;
  /** @param watch hears the values of a tap where nobody does by itself; what it gives back ends that */
  onStart(watch: (device: string, tap: string) => () => void): void;
  close(): void;
}

export interface ReplayGiven {
  pipeline?: string | undefined;
  of: ReplayOf;
  edges?: string[] | undefined;
  maximumBytes: number;
}

export interface Replayed {
  command: string;
  result: ReplayResult;
  values: TapValueView[];
}

export interface TapPorts {
  commands: Pick<Commands, 'send' | 'wait'>;
  clock: Clock;
  ids: Ids;
}

/** How long a device may take to begin or to end, and to replay. */
const ANSWER_WAIT_MS = 10_000;
const REPLAY_WAIT_MS = 60_000;
/** The last values of a replay may come after its result. */
const LAST_VALUES_WAIT_MS = 2_000;
/** A tap without a viewer ends after this: a page that loads again comes back before. */
const LONELY_MS = 10_000;
/** The device ends taps by itself; this is for one that cannot say so. */
const EXPIRY_GRACE_MS = 5_000;
/** Taps of all devices together, and of one account. */
const TAPS_OF_FLEET_MAXIMUM = 500;
const TAPS_OF_ACCOUNT_MAXIMUM = 32;
/** Values of one replay are gathered up to this. */
const REPLAY_CHARACTERS_MAXIMUM = 32 * 1024 * 1024;

interface Open {
  view: TapView;
  viewers: Viewers;
  /** Sequence that comes next, and how many did not come. */
  next: number;
  lost: number;
  /** Stops all timers. */
  cancel(): void;
  lonely: NodeJS.Timeout | undefined;
}

interface Gathering {
  device: string;
  values: TapValueView[];
  characters: number;
  next: number;
  lost: number;
  onDone(): void;
}

export function createTaps(ports: TapPorts): Taps {
  const { commands, clock, ids } = ports;
  const taps = new Map<string, Open>();
  const replays = new Map<string, Gathering>();
  let watch =
    (_device: string, _tap: string): (() => void) =>
    () =>
      undefined;

  const finish = (tap: string, end: TapValueView['end']): void => {
    const open = taps.get(tap);
    if (open === undefined) return;
    taps.delete(tap);
    open.cancel();
    const counts = { seen: 0, skipped: 0, rate: 0, busy: 0, link: 0 };
    open.viewers.send({ sequence: open.next, counts, lost: open.lost, behind: 0, atMs: clock.nowMs(), end });
  };
  /** Tells the device; whether it hears that or not, the tap ends there with its time. */
  const tell = (device: string, tap: string, actor: Pick<Actor, 'name'>): void => {
    commands.send(device, 'tap-stop', { tap }, actor, { lifeMs: ANSWER_WAIT_MS }).catch(() => undefined);
  };
  const awaitViewers = (tap: string): void => {
    const open = taps.get(tap);
    if (open === undefined) return;
    clearTimeout(open.lonely);
    open.lonely = setTimeout(() => {
      if (open.viewers.count > 0 || !taps.has(tap)) return;
      finish(tap, 'no-viewer');
      tell(open.view.at, tap, { name: open.view.account });
    }, LONELY_MS);
    open.lonely.unref();
  };
  const requireRoom = (at: string, account: string): void => {
    const all = [...taps.values()].map(({ view }) => view);
    const tooMany = (what: string): StarlingError =>
      new StarlingError('too-many-taps', what, { hint: 'end one of them, or wait until one is over', retryable: true });
    if (all.length >= TAPS_OF_FLEET_MAXIMUM) throw tooMany(`${TAPS_OF_FLEET_MAXIMUM} taps run in this fleet already`);
    if (all.filter((view) => view.at === at).length >= TAPS_MAXIMUM) throw tooMany(`${TAPS_MAXIMUM} taps run on this device already`);
    if (all.filter((view) => view.account === account).length >= TAPS_OF_ACCOUNT_MAXIMUM)
      throw tooMany(`${TAPS_OF_ACCOUNT_MAXIMUM} taps of ${account} run already`);
  };
  const find = (device: string, tap: string): Open => {
    const open = taps.get(tap);
    if (open?.view.device === device) return open;
    throw new StarlingError('not-found', `no tap ${tap} runs on this device`, { field: 'tap', hint: 'it may be over: start another' });
  };
  const register = (view: TapView): Open => {
    const expiry = setTimeout(() => finish(view.id, 'expired'), view.untilMs - clock.nowMs() + EXPIRY_GRACE_MS);
    expiry.unref();
    const unwatch = watch(view.at, view.id);
    const open: Open = {
      ...{ view, viewers: createViewers(() => awaitViewers(view.id)), next: 0, lost: 0, lonely: undefined },
      cancel() {
        clearTimeout(expiry);
        clearTimeout(open.lonely);
        unwatch();
      },
    };
    taps.set(view.id, open);
    awaitViewers(view.id);
    return open;
  };
  const receiveTap = (open: Open, message: TapMessage): void => {
    const value = toView(message, open, clock.nowMs());
    if (message.end === undefined) open.viewers.send(value);
    else {
      taps.delete(message.tap);
      open.cancel();
      open.viewers.send(value);
    }
  };
  const receiveReplay = (replay: Gathering, message: TapMessage): void => {
    if (message.end !== undefined) {
      replay.onDone();
      return;
    }
    const value = toView(message, replay, clock.nowMs());
    replay.characters += JSON.stringify(value).length;
    if (replay.characters <= REPLAY_CHARACTERS_MAXIMUM) replay.values.push(value);
    else replay.lost += 1;
  };

  return {
    async start(device, options, actor, at = device) {
      requireRoom(at, actor.name);
      const id = ids.next();
      const startedAtMs = clock.nowMs();
      const view = {
        id,
        device,
        at,
        edges: options.edges,
        account: actor.name,
        viewers: 0,
        startedAtMs,
        untilMs: startedAtMs + options.durationMs,
      };
      // Before it is asked for: the first value may come before the answer.
      const open = register(view);
      try {
        const asked = { ...options, tap: id, ...(at === device ? {} : { home: device }) };
        const { id: command } = await commands.send(at, 'tap', asked, actor, { lifeMs: ANSWER_WAIT_MS });
        const started = tapResultSchema.parse(resultOf(await commands.wait(command, ANSWER_WAIT_MS), ANSWER_WAIT_MS));
        requireHome(started.home, asked.home, () => tell(at, id, actor));
        open.view = { ...view, edges: started.edges };
        return open.view;
      } catch (error) {
        finish(id, 'stopped');
        throw error;
      }
    },
    list: (device) =>
      [...taps.values()]
        .filter(({ view }) => view.device === device || view.at === device)
        .map(({ view, viewers }) => ({ ...view, viewers: viewers.count })),
    async stop(device, tap, actor) {
      const { at } = find(device, tap).view;
      const { id } = await commands.send(at, 'tap-stop', { tap }, actor, { lifeMs: ANSWER_WAIT_MS });
      // The device says with its last message what it has counted.
      await commands.wait(id, ANSWER_WAIT_MS);
      finish(tap, 'stopped');
    },
    view(device, tap) {
      const open = find(device, tap);
      const viewer = open.viewers.open();
      clearTimeout(open.lonely);
      return viewer;
    },
    async replay(device, given, actor, blobs) {
      const tap = ids.next();
      const gathering: Gathering = { device, values: [], characters: 0, next: 0, lost: 0, onDone: () => undefined };
      const lastValue = new Promise<void>((resolve) => {
        gathering.onDone = resolve;
      });
      replays.set(tap, gathering);
      const unwatch = watch(device, tap);
      try {
        const sent = await commands.send(device, 'replay', { ...given, tap }, actor, { blobs, lifeMs: REPLAY_WAIT_MS });
        const ended = await commands.wait(sent.id, REPLAY_WAIT_MS);
        const result = replayResultSchema.parse(resultOf(ended, REPLAY_WAIT_MS));
        await Promise.race([lastValue, new Promise((resolve) => setTimeout(resolve, LAST_VALUES_WAIT_MS).unref())]);
        return { command: ended.id, result, values: gathering.values };
      } finally {
        replays.delete(tap);
        unwatch();
      }
    },
    expects: (device, tap) => taps.get(tap)?.view.at === device || replays.get(tap)?.device === device,
    receive(device, message) {
      const open = taps.get(message.tap);
      if (open?.view.at === device) receiveTap(open, message);
      const replay = replays.get(message.tap);
      if (replay?.device === device) receiveReplay(replay, message);
    },
    onStart(given) {
      watch = given;
    },
    deviceGone(device) {
      // What its taps would have shown is not kept for later, and it may have ended them.
      for (const { view } of [...taps.values()]) if (view.at === device) finish(view.id, 'device-offline');
    },
    close() {
      for (const tap of [...taps.keys()]) finish(tap, 'stopped');
    },
  };
}

/** An agent that does not know that it is to show one device's items alone would show those of all. */
function requireHome(told: string | undefined, asked: string | undefined, stop: () => void): void {
  if (told === asked) return;
  stop();
  throw new StarlingError('not-supported', 'the agent of the device that runs the part is too old to show the items of one device', {
    hint: 'update it, or watch the edge at that device',
  });
}

/** A message as JSON has it; counts what did not come. */
function toView(message: TapMessage, stream: { next: number; lost: number }, atMs: number): TapValueView {
  const { sequence, edge, item, value, counts, end } = message;
  if (edge !== undefined) {
    stream.lost += Math.max(0, sequence - stream.next);
    stream.next = sequence + 1;
  }
  return {
    ...{ sequence, counts, lost: stream.lost, behind: 0, atMs },
    ...(edge === undefined ? {} : { edge }),
    ...(item === undefined ? {} : { item }),
    ...(value === undefined ? {} : { value: edgeValueView(value) }),
    ...(end === undefined ? {} : { end }),
  };
}
