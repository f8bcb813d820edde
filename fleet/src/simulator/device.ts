import {
  acknowledgementSchema,
  type BlobManifest,
  type ClaimToken,
  type Command,
  commandSchema,
  compareGenerations,
  createTopics,
  type DesiredState,
  type DeviceLogin,
  desiredStateSchema,
  isStarlingError,
  jsonDecode,
  jsonEncode,
  messageOf,
  PRESENCE_INTERVAL_MS,
  type ReportedState,
  type TelemetryKind,
  type Topics,
} from '@starling/shared';
import type { Clock } from '../ports.ts';
import { answerTo } from './answer-command.ts';
import type { Behaviour } from './behaviour.ts';
import type { DeviceIdentity } from './identity.ts';
import { createInstaller } from './installer.ts';
import { payloadOf } from './jws-payload.ts';
import { type CrowdFigures, countProblem, type ReleaseFacts } from './messages.ts';
import { type MqttSession, openMqttSession } from './mqtt-session.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { SIMULATED_AGENT_VERSION } from './profile-capabilities.ts';
import { createPullRelease } from './pull-release.ts';
import { createPuller } from './puller.ts';
import { recordsOf } from './records.ts';
import { createTimers } from './timers.ts';

export interface SimulatedDevice {
  /** Enrols and connects, and goes on by itself. */
  start(): void;
  stop(): void;
}

export interface SimulatedDeviceParts {
  identity: DeviceIdentity;
  claimToken: ClaimToken;
  behaviour: Behaviour;
  clock: Clock;
  authority: string | undefined;
  /** Random, of this process. */
  ids: { streamId: string; bootId: string };
  telemetryMs: number;
  figures: CrowdFigures;
  /** Manifests that devices of this process have read; with it they pull what they are assigned. */
  manifests?: Map<string, BlobManifest> | undefined;
  facts(digest: string): Promise<ReleaseFacts | undefined>;
  /** Waits for a turn, so that not all connect in one moment. */
  turn(): Promise<void>;
}

const RETRY_MS = 2_000;
const RETRY_MS_MAXIMUM = 60_000;
/** A password is not used any more this long before its end. */
const LOGIN_MARGIN_MS = 60_000;

/**
 * A device that speaks the protocol as agents do, and runs nothing. It believes what the fleet says without looking at signatures:
 * nothing that it does depends on them.
 */
export function createSimulatedDevice(parts: SimulatedDeviceParts): SimulatedDevice {
  const { identity, behaviour, clock, figures, ids, telemetryMs } = parts;
  const { id: device } = identity;
  const timers = createTimers();
  const outboxes = new Map<TelemetryKind, Outbox>();
  const startedMs = clock.nowMs();
  let [stopped, isEnrolled] = [false, false];
  let attempts = 0;
  let login: DeviceLogin | undefined;
  let topics: Topics = createTopics();
  let session: MqttSession | undefined;
  let desired: DesiredState | undefined;

  const publish = (name: 'reported' | 'hello', value: unknown): void =>
    void session?.publish(topics.build(name, { device }), jsonEncode(value), 1);
  const { after, stop } = timers;
  const send = (want: Uint8Array): void => void session?.publish(topics.build('blobWant', { device }), want, 1);
  const puller = createPuller({ publish: send, after, stop, figures });
  const { manifests } = parts;
  const installer = createInstaller({
    pull: manifests === undefined ? undefined : createPullRelease({ puller, figures, manifests }),
    figures,
    behaviour,
    clock,
    facts: parts.facts,
    after,
    report: (reported: ReportedState) => publish('reported', reported),
    changed: (was, is) => {
      if (was !== undefined) figures[was] -= 1;
      if (is !== undefined) figures[is] += 1;
    },
  });
  const sendBatches = (again: boolean): void => {
    for (const [kind, outbox] of outboxes) {
      const batch = session === undefined ? undefined : outbox.next(again);
      if (batch !== undefined) void session?.publish(topics.build('telemetry', { device, kind }), batch, 1);
    }
  };
  const record = (): void => {
    const nowMs = clock.nowMs();
    const window = {
      startMs: nowMs - telemetryMs,
      lengthMs: telemetryMs,
      release: installer.running()?.release ?? null,
      facts: installer.facts(),
      experiment: installer.experiment(),
    };
    const { profile } = desired ?? {};
    for (const { kind, payload } of recordsOf(behaviour, {
      ...window,
      powerModel: profile?.powerModel,
      profile: profile?.name ?? 'simulated',
    })) {
      const outbox = outboxes.get(kind) ?? createOutbox(ids.streamId);
      outboxes.set(kind, outbox);
      outbox.add({ bootId: ids.bootId, monotonicMs: nowMs - startedMs, wallMs: nowMs, clock: 'trusted', payload });
      figures.recordsSent += 1;
    }
    sendBatches(false);
  };
  const obey = async (command: Command): Promise<void> => {
    figures.commands += 1;
    const topic = topics.build('result', { device, id: command.id });
    const head = { id: command.id, atMs: clock.nowMs() };
    await session?.publish(topic, jsonEncode({ ...head, status: 'accepted' }), 1);
    const state = { uptimeMs: clock.nowMs() - startedMs, name: device, running: installer.running() };
    await session?.publish(topic, jsonEncode({ ...head, ...answerTo(command, state) }), 1);
  };
  const receive = (topic: string, payload: Uint8Array): void => {
    const parsed = topics.parse(topic);
    if (parsed?.name === 'desired') {
      const next = payloadOf(payload, desiredStateSchema);
      if (next === undefined || (desired !== undefined && compareGenerations(next, desired) < 0)) return;
      desired = next;
      installer.want(next);
    } else if (parsed?.name === 'acknowledgement') {
      const outbox = outboxes.get(parsed.params.kind as TelemetryKind);
      figures.recordsAcknowledged += outbox?.acknowledge(jsonDecode(payload, acknowledgementSchema)) ?? 0;
      sendBatches(false);
    } else if (parsed?.name === 'command') {
      const command = payloadOf(payload, commandSchema);
      if (command !== undefined) void obey(command);
    } else if (parsed?.name === 'blobChunk') {
      puller.receive(payload);
    } else if (parsed?.name === 'greet') {
      greet();
    }
  };
  /** Says what a session begins with. */
  const greet = (): void => {
    const { epoch = 0, generation = 0 } = desired ?? {};
    publish('hello', {
      ...{ protocolVersion: 1, agentVersion: SIMULATED_AGENT_VERSION, ...ids, epoch, generation, wallMs: clock.nowMs() },
      ...{ features: [], operatorVersions: {} },
    });
    puller.online();
    sendBatches(true);
    installer.online();
  };
  const presence = (state: 'online' | 'offline'): Uint8Array =>
    jsonEncode({ state, bootId: ids.bootId, uptimeMs: clock.nowMs() - startedMs });
  const beat = (): void => {
    void session?.publish(topics.build('presence', { device }), presence('online'), 0);
    timers.after(PRESENCE_INTERVAL_MS, beat, 'beat');
  };
  const leave = (): void => {
    if (session === undefined) return;
    session = undefined;
    puller.offline();
    figures.connected -= 1;
    for (const name of ['beat', 'drop']) timers.stop(name);
  };
  const connect = async (): Promise<void> => {
    await parts.turn();
    if (stopped) return;
    if (!isEnrolled) {
      await identity.enrol(parts.claimToken);
      figures.enrolled += 1;
      isEnrolled = true;
    }
    if (login === undefined || login.expiresAtMs - LOGIN_MARGIN_MS < clock.nowMs()) login = await identity.login();
    topics = createTopics(login.topicRoot);
    const will = { topic: topics.build('presence', { device }), payload: presence('offline') };
    const opened = await openMqttSession({ login, authority: parts.authority, will, onMessage: receive, onClosed: () => closed(opened) });
    if (stopped) return opened.end();
    session = opened;
    figures.connected += 1;
    attempts = 0;
    await opened.subscribe(topics.deviceFilters(device));
    timers.after(behaviour.within(PRESENCE_INTERVAL_MS), beat, 'beat');
    timers.after(behaviour.untilDropMs(), () => opened.cut(), 'drop');
    greet();
  };
  const closed = (which: MqttSession): void => {
    if (session !== which) return;
    leave();
    if (!stopped) timers.after(behaviour.awayMs(), tryToConnect);
  };
  const tryToConnect = (): void => {
    connect().catch((error: unknown) => {
      const code = isStarlingError(error) ? error.code : 'failed';
      countProblem(figures, code, messageOf(error));
      login = undefined;
      session?.cut();
      leave();
      attempts += 1;
      const waitMs = Math.min(RETRY_MS_MAXIMUM, RETRY_MS * 2 ** Math.min(attempts, 6));
      if (!stopped) timers.after(waitMs / 2 + behaviour.within(waitMs / 2), tryToConnect);
    });
  };
  const recordForEver = (): void => {
    record();
    timers.after(telemetryMs, recordForEver);
  };
  return {
    start() {
      tryToConnect();
      timers.after(telemetryMs / 2 + behaviour.within(telemetryMs), recordForEver);
    },
    stop() {
      stopped = true;
      installer.stop();
      timers.stopAll();
      const open = session;
      if (open === undefined) return;
      void open.publish(topics.build('presence', { device }), presence('offline'), 0);
      leave();
      open.end();
    },
  };
}
