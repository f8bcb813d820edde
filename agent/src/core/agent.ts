import {
  agentSettingsSchema,
  type Capabilities,
  type EgressPolicy,
  type Hello,
  isStarlingError,
  jsonEncode,
  messageOf,
  operatorVersions,
  PROTOCOL_VERSION,
  parametersFor,
  type ReportedState,
  type TelemetryKind,
  type TelemetryPayload,
} from '@starling/shared';
import { adopt, adoptKept } from './adopt-desired.ts';
import { createPuller, type Puller } from './blobs/index.ts';
import { openCaptures } from './captures/index.ts';
import { type CommandRunner, createCommandRunner } from './commands/index.ts';
import { gatherDiagnostics } from './diagnostics.ts';
import type { Journal } from './journal/index.ts';
import { createLink, createUnderNewestRoot, type Link, type LinkHandlers, replaceKey, type Trust } from './link/index.ts';
import { listenToHost } from './listen-to-host.ts';
import { createMeasuring, createSelfTuning } from './measuring.ts';
import { createGatekeeper, type Gatekeeper } from './placement/index.ts';
import type { AgentUpdater } from './ports/agent-updater.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { Clock } from './ports/clock.ts';
import type { FileStore } from './ports/file-store.ts';
import type { FleetAccess } from './ports/fleet-access.ts';
import type { Hash } from './ports/hash.ts';
import type { Inflate } from './ports/inflate.ts';
import type { DeviceKey } from './ports/key-store.ts';
import type { Log } from './ports/log.ts';
import type { MeasureHost } from './ports/measure-host.ts';
import type { OpenPipelineEnds } from './ports/pipeline-ends.ts';
import type { Random } from './ports/random.ts';
import type { RuntimeHost } from './ports/runtime-host.ts';
import type { RuntimeIdentity } from './ports/runtime-identity.ts';
import type { Sensors } from './ports/sensors.ts';
import type { Transport } from './ports/transport.ts';
import { type Challengers, type Helping, loadKey, openVerdicts, type Reconciler, type Verdicts } from './reconcile/index.ts';
import { createReconciling, type Reconciling, withBeside } from './reconciling.ts';
import { openTunings, type Tuning, type Tunings } from './sessions/index.ts';
import { openSpool, type Spool } from './spool/index.ts';
import { createTapRelay, type OpenTap, type TapRelay } from './taps/index.ts';
import type { OwnParameters } from './told-parameters.ts';
import { updateAgent } from './updates/index.ts';
import { createUploads, type Uploads } from './uploads/index.ts';

export interface AgentPorts {
  transport: Transport;
  access: FleetAccess;
  key: DeviceKey;
  trust: Trust;
  journal: Journal;
  files: FileStore;
  store: BlobStore;
  host: RuntimeHost;
  measureHost: MeasureHost;
  sensors: Sensors;
  /** Memory that models may take here now; null where they run elsewhere. */
  modelMemoryBytes(): Promise<number | null>;
  /** Sources and sinks of pipelines, where a runtime has any. */
  openEnds?: OpenPipelineEnds;
  /** What its owner has set of the parameters of a pipeline; nothing where no owner can. */
  ownParameters?: OwnParameters;
  inflate: Inflate;
  hash: Hash;
  clock: Clock;
  random: Random;
  log: Log;
  capabilities(): Promise<Capabilities>;
  /** Starts the device anew, where its owner allows that. */
  reboot?: (() => Promise<void>) | undefined;
  /** Replaces this agent by another, where that can be done. */
  updater?: AgentUpdater | undefined;
  /** Blinks, beeps, or whatever its owner has it do. */
  identify?: ((message: string) => Promise<void>) | undefined;
  /** What runs models here, and on what. */
  identity: RuntimeIdentity;
  cores: number;
  /** Time to tune each artefact that runs; 0 waits for the command. */
  tuneBudgetMs: number;
}

export interface AgentIdentity {
  agentVersion: string;
  /** Random per start of the process. */
  bootId: string;
  /** Random per data directory and start: names the telemetry sequences. */
  streamId: string;
}

export interface AgentStatus {
  device: string;
  link: Link['state'];
  reported: ReportedState;
  spoolBytes: number;
  /** What people call the release that runs; null while none runs. */
  releaseName: string | null;
  /** Inputs of the pipeline that runs, with their types; null while none runs. */
  inputs: Readonly<Record<string, string>> | null;
  /** What the publisher lets leave while this release runs; null while none runs. */
  egress: EgressPolicy | null;
  /** The newest command that was given what it asked for. */
  answered: { command: string; atMs: number } | null;
  /** Who watches or records edges of the running pipeline now. */
  taps: OpenTap[];
  /** Settings that were tuned for artefacts here. */
  tunings: Tuning[];
  pulled: { chunks: number; bytes: number; refused: number };
}

/** The control plane of a device, the same on every runtime. */
export interface Agent {
  status(): AgentStatus;
  /** The network is back: the fleet is sought at once, where the next try was to come later. */
  retryNow(): void;
  close(): Promise<void>;
}

/** Starts the agent: runs what it ran before at once, then seeks the fleet. */
export async function startAgent(ports: AgentPorts, identity: AgentIdentity): Promise<Agent> {
  const { clock, log, host, journal, trust, store, key } = ports;
  // Each part is given what it needs of the others by name; nothing is called before all are there.
  let link: Link;
  let concerned = (): string | null => null;
  const newest: Pick<AgentStatus, 'answered'> = { answered: null };
  const publish: Publish = (name, params, payload) => link.publish(name, params, payload);

  const spool = await openOwnSpool(ports, identity, publish);
  const { record, event, refused } = createTelling(spool, log, () => concerned());
  const puller = createPuller({
    ...ports,
    publish: (payload) => publish('blobWant', {}, payload),
    refused: (reason) => refused('chunk', reason),
  });
  let reportAgain = (): void => undefined;
  const ends = ports.openEnds?.(event, () => reportAgain());
  const told = { ownParameters: ports.ownParameters, failing: () => ends?.failing() ?? [] };
  const underNewestRoot = createUnderNewestRoot(ports.access, trust);
  const known = await openKnown(ports);
  const parts = createReconciling(
    { ...ports, ...told },
    {
      ...{ ...known, puller, underNewestRoot, onEvent: event },
      reported: (state) => void publish('reported', {}, jsonEncode(state)),
      changed(state) {
        ends?.running(runningOf(reconciler.running()));
        if (state.phase === 'running' && state.running?.verified === true) tuneItself();
      },
    },
  );
  const { reconciler, challengers, helping } = parts;
  reportAgain = () => void publish('reported', {}, jsonEncode(withBeside(reconciler.reported(), parts, told)));
  concerned = () => reconciler.concerned();
  const measuring = createMeasuring(ports, { reconciler, puller, underNewestRoot, record, tunings: known.tunings });
  const tuneItself = createSelfTuning(ports.tuneBudgetMs, measuring, reconciler, known.tunings, log);
  const { taps, uploads, captures } = await openSenders(ports, publish);
  const commands = createCommandRunner({
    ...{ trust, underNewestRoot, journal, clock, log, host, store, puller, keeper: reconciler.keeper },
    ...{ device: key.device, agentVersion: identity.agentVersion, measuring, taps, captures, uploads },
    ...{ reboot: ports.reboot, identify: ports.identify },
    rotateKey: () => replaceKey(ports.access, key, trust),
    updateAgent: (build, call) =>
      updateAgent(build, call, {
        ...{ updater: ports.updater, fleetId: trust.root().fleetId, puller, store, keeper: reconciler.keeper, underNewestRoot },
        hasRelease: () => reconciler.running() !== undefined,
      }),
    diagnostics: (lineCount) => gatherDiagnostics(lineCount, ports, { ...identity, status: { ...status() } }),
    activeKey: () => activeKeyOf(reconciler),
    snapshot: () => ({ ...status() }),
    answered: (command) => Object.assign(newest, { answered: { command, atMs: clock.wallMs() } }),
    publish: (result) => publish('result', { id: result.id }, jsonEncode(result)),
    refused: (reason) => refused('command', reason),
  });
  const status = (): AgentStatus => ({
    device: key.device,
    link: link.state,
    ...releaseStatus(parts, told),
    ...{ ...newest, spoolBytes: spool.sizeBytes(), taps: [...taps.open(), ...captures.open()] },
    ...{ tunings: known.tunings.list(), pulled: puller.counters() },
  });
  const gatekeeper = createGatekeeper({
    ...{ device: key.device, host, underNewestRoot, trustedNowMs: () => trust.nowMs() },
    publish: (params, payload) => publish('stream', { ...params }, payload),
    refused: (reason) => refused('stream', reason),
  });
  listenToHost(host, {
    ...{ record, event, log, reconciler, challengers, helping, spool, taps, captures },
    ...{ capabilities: ports.capabilities, ends, gatekeeper },
  });

  link = createLink({ ...ports, bootId: identity.bootId, hello: () => helloOf(identity, ports) });
  await reconciler.resume();
  const adopters = { ...parts, gatekeeper };
  await adoptKept(ports, adopters);
  const desired = (signed: string): Promise<void> =>
    underNewestRoot((root) => adopt(signed, root, ports, adopters)).catch((error: unknown) => refused('desired state', reasonOf(error)));
  link.start(linkHandlers({ challengers, commands, gatekeeper, helping, puller, reconciler, spool, taps, uploads }, { desired, refused }));
  return {
    ...{ status, retryNow: () => link.retryNow() },
    async close() {
      for (const each of [challengers, helping, reconciler, ends, link, captures, spool, host]) await each?.close();
    },
  };
}

type Publish = (name: Parameters<Link['publish']>[0], params: Record<string, string>, payload: Uint8Array) => Promise<boolean>;

function openOwnSpool({ files, clock, trust }: AgentPorts, identity: AgentIdentity, publish: Publish): Promise<Spool> {
  return openSpool({
    ...{ files, clock, ...identity },
    budgetBytes: agentSettingsSchema.parse({}).spoolBudgetBytes,
    trustedNowMs: () => trust.nowMs(),
    publish: (kind, payload) => publish('telemetry', { kind }, payload),
  });
}

/** What sends values of its own to the fleet, piece by piece. */
async function openSenders(ports: AgentPorts, publish: Publish) {
  const { clock, host, key } = ports;
  const taps = createTapRelay({ clock, host, publish: (tap, payload) => publish('tap', { id: tap }, payload) });
  const uploads = createUploads({ clock, publish: (id, payload) => publish('upload', { id }, payload) });
  return { taps, uploads, captures: await openCaptures({ ...ports, device: key.device, uploads }) };
}

/** Keeps what is told in the spool. @param concerned the release of which an event speaks */
function createTelling(spool: Spool, log: Log, concerned: () => string | null) {
  const record = <Kind extends TelemetryKind>(kind: Kind, payload: TelemetryPayload<Kind>): void => {
    spool.add(kind, payload).catch((error: unknown) => log.warn('telemetry was not kept', { kind, reason: messageOf(error) }));
  };
  const event = (level: 'info' | 'warning' | 'error', code: string, message: string, detail: Record<string, unknown> = {}): void =>
    record('events', { level, code, message: message.slice(0, 2000), release: concerned(), detail });
  const refused = (what: string, reason: string): void => {
    log.warn('refused', { what, reason });
    event('warning', 'refused', `${what}: ${reason}`);
  };
  return { record, event, refused };
}

interface LinkedParts {
  challengers: Challengers;
  commands: CommandRunner;
  gatekeeper: Gatekeeper;
  helping: Helping;
  puller: Puller;
  reconciler: Reconciler;
  spool: Spool;
  taps: TapRelay;
  uploads: Uploads;
}

/** To whom each message of the fleet goes, and who is told of the session. */
function linkHandlers(
  { challengers, commands, gatekeeper, helping, puller, reconciler, spool, taps, uploads }: LinkedParts,
  others: Pick<LinkHandlers, 'desired' | 'refused'>,
): LinkHandlers {
  return {
    ...others,
    command: (signed) => commands.receive(signed),
    chunk: (frame) => puller.receive(frame),
    uploaded: (id, { receivedBytes }) => uploads.acknowledged(id, receivedBytes),
    acknowledged: (kind, acknowledgement) => spool.acknowledged(kind, acknowledgement),
    stream: (params, payload) => gatekeeper.receive(params, payload),
    online() {
      for (const each of [gatekeeper, puller, spool, uploads, reconciler, challengers, helping]) each.online();
    },
    offline() {
      taps.linkLost();
      for (const each of [gatekeeper, puller, spool]) each.offline();
    },
  };
}

/** What runs now, as the runtime host knows it. */
function activeKeyOf(reconciler: Reconciler): string | undefined {
  const { running } = reconciler.reported();
  return running === null ? undefined : loadKey(running);
}

function reasonOf(error: unknown): string {
  return isStarlingError(error) ? `${error.code}: ${error.message}` : messageOf(error);
}

/** What this device has found out about artefacts. */
async function openKnown({ files, identity, clock, log }: AgentPorts): Promise<{ verdicts: Verdicts; tunings: Tunings }> {
  return { verdicts: await openVerdicts(files, identity, clock, log), tunings: await openTunings(files, identity, log) };
}

function helloOf(identity: AgentIdentity, { journal, clock }: AgentPorts): Hello {
  return {
    protocolVersion: PROTOCOL_VERSION,
    ...identity,
    epoch: journal.state.desired?.epoch ?? 0,
    generation: journal.state.desired?.generation ?? 0,
    features: [],
    operatorVersions: { ...operatorVersions },
    wallMs: Math.max(0, Math.round(clock.wallMs())),
  };
}

function releaseStatus(
  parts: Reconciling,
  told: Parameters<typeof withBeside>[2],
): Pick<AgentStatus, 'reported' | 'releaseName' | 'inputs' | 'egress'> {
  const { reconciler } = parts;
  const { release, pipeline } = reconciler.running() ?? {};
  return {
    reported: withBeside(reconciler.reported(), parts, told),
    releaseName: release?.name ?? null,
    inputs: pipeline?.inputs ?? null,
    egress: release?.policies.egress ?? null,
  };
}

/** The release that takes items now, as those around its pipeline know it. */
function runningOf(documents: ReturnType<Reconciler['running']>) {
  if (documents === undefined) return undefined;
  const { assignment, pipeline, alongside, release } = documents;
  const pipelines = [pipeline, ...alongside];
  const parameters = Object.fromEntries(pipelines.map(({ name }) => [name, parametersFor(release, name)]));
  const { places } = assignment;
  return {
    digest: assignment.release,
    pipelines,
    egress: release.policies.egress,
    parameters,
    ...(places === undefined ? {} : { places }),
  };
}
