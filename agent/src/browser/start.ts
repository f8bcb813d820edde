import { type Capabilities, type ClaimToken, makeRandomId, StarlingError } from '@starling/shared';
import { type Agent, startAgent } from '../core/index.ts';
import { type Journal, openJournal } from '../core/journal/index.ts';
import { createTrust, type Enrolment, readClaimToken } from '../core/link/index.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { RawImage } from '../core/ports/image-codec.ts';
import type { Log } from '../core/ports/log.ts';
import type { RuntimeHost } from '../core/ports/runtime-host.ts';
import type { AgentConfig, BrowserAgentStatus } from './agent-messages.ts';
import { openBlobStore } from './blob-store.ts';
import { measureCapabilities, threadsHere } from './capabilities.ts';
import { guardTab } from './engine/guard-tab.ts';
import { lostIn } from './engine/host-config.ts';
import { createHostWorker } from './engine/host-worker.ts';
import { createMeasureWorker } from './engine/measure-worker.ts';
import { enrol, readEnrolment } from './enrol.ts';
import { openFileStore } from './file-store.ts';
import { createFleetAccess } from './fleet-access.ts';
import { hash } from './hash.ts';
import { identityOf } from './identity.ts';
import { systemRandom } from './ids.ts';
import { inflate } from './inflate.ts';
import { readDeviceKey } from './key-store.ts';
import { openFolder } from './private-folder.ts';
import { findProviders } from './providers.ts';
import { createBrowserSensors, modelMemoryBytes } from './sensors.ts';
import { createMqttTransport } from './transport.ts';
import { AGENT_VERSION } from './version.ts';
import { withoutGpu } from './without-gpu.ts';

export interface RunningAgent {
  agent: Agent;
  host: RuntimeHost;
}

export interface StartPorts {
  clock: Clock;
  log: Log;
  report(progress: Partial<BrowserAgentStatus>): void;
  /** Pixels of an input that is decoded already. */
  takeDecoded(bytes: Uint8Array): RawImage | undefined;
}

const RUN_TIMEOUT_MS_DEFAULT = 30_000;

/**
 * Enrols this browser where that is still to do, and runs the agent in this worker, with its runtime host beside it.
 * @throws StarlingError `not-enrolled`, `invalid-token`, `claim-token-refused`, `no-storage`, `browser-too-old`
 */
export async function runAgent(config: AgentConfig, { clock, log, report, takeDecoded }: StartPorts): Promise<RunningAgent> {
  const { home, fleetUrl } = config;
  const folder = await openFolder(home);
  const files = await openFileStore(await folder.getDirectoryHandle('state', { create: true }));
  const threads = config.threads ?? threadsHere();
  const journal = await openJournal(files);
  report({ phase: 'measuring', threads, ...(await knownBefore(config, folder, journal)) });
  const seen = await measureCapabilities(threads, []);
  report({ withoutGpu: withoutGpu(seen.browser?.webgpu ?? null, 'gpu' in navigator) });
  const identity = await identityOf(seen);
  const providers = await findProviders({ files, log, identity, threads, gpu: seen.browser?.webgpu, asked: config.providers });
  const capabilities = (): Promise<Capabilities> => measureCapabilities(threads, providers.probes());
  const enrolment = await enrolled(config, folder, capabilities, report);
  const key = await readDeviceKey(home);
  if (key === undefined || key.device !== enrolment.device) throw notEnrolled('the key of this device is gone');

  const trust = await createTrust(journal, clock, enrolment.rootDigest, [...enrolment.roots, ...journal.state.roots]);
  const supervised = createHostWorker({
    ...{ clock, takeDecoded, runTimeoutMs: config.runTimeoutMs ?? RUN_TIMEOUT_MS_DEFAULT },
    config: () => ({ home, providers: providers.usable(), threads }),
    onEnded(reason) {
      const lost = lostIn(reason);
      if (lost !== undefined) providers.drop(lost.provider, lost.reason);
    },
  });
  const host = guardTab(supervised, { files, leftCleanly: config.leftCleanly ?? false, wallMs: () => clock.wallMs() });
  const agent = await startAgent(
    {
      transport: createMqttTransport(fleetUrl),
      access: createFleetAccess(fleetUrl),
      ...{ key, trust, journal, files, host, clock, log, hash, inflate, identity, capabilities },
      store: await openBlobStore(folder),
      measureHost: createMeasureWorker({ home, providers: providers.usable(), threads }),
      sensors: createBrowserSensors({ clock, busySeconds: () => 0 }),
      modelMemoryBytes: async () => modelMemoryBytes(),
      tuneBudgetMs: 0,
      cores: seen.cpu.cores,
      random: systemRandom,
    },
    { agentVersion: AGENT_VERSION, bootId: makeRandomId(systemRandom.bytes), streamId: makeRandomId(systemRandom.bytes) },
  );
  report({ phase: 'running' });
  return { agent, host };
}

/** What was kept, where a browser that is in starts again; nothing of it is run before it is verified anew. */
async function knownBefore(
  config: AgentConfig,
  folder: FileSystemDirectoryHandle,
  journal: Journal,
): Promise<Pick<BrowserAgentStatus, 'known'>> {
  const enrolment = await readEnrolment(folder);
  if (enrolment === undefined || !isOf(enrolment, config)) return {};
  return { known: { device: enrolment.device, release: journal.state.good?.assignment.release ?? null } };
}

/** A link that is opened again, on a browser that is in already, changes nothing; neither does one of which nothing can be read. */
function isOf({ rootDigest }: Enrolment, { token }: AgentConfig): boolean {
  const claim = wholeToken(token);
  return claim === undefined || claim.rootDigest === rootDigest;
}

function wholeToken(token: string | undefined): ClaimToken | undefined {
  try {
    return token === undefined ? undefined : readClaimToken(token);
  } catch {
    return undefined;
  }
}

async function enrolled(
  config: AgentConfig,
  folder: FileSystemDirectoryHandle,
  capabilities: () => Promise<Capabilities>,
  report: StartPorts['report'],
): Promise<Enrolment> {
  const { home, fleetUrl, token } = config;
  const known = await readEnrolment(folder);
  if (known !== undefined && isOf(known, config)) {
    if (token !== undefined && wholeToken(token) === undefined) report({ tokenIgnored: true });
    return known;
  }
  const claim = token === undefined ? undefined : readClaimToken(token);
  if (claim === undefined) throw notEnrolled('this browser is no device of a fleet yet');
  report({ phase: 'enrolling' });
  const { enrolment, status } = await enrol({ home, folder, url: fleetUrl }, claim, await capabilities());
  report({ pending: status === 'pending' });
  return enrolment;
}

function notEnrolled(message: string): StarlingError {
  return new StarlingError('not-enrolled', message, { hint: 'open the link of "Add a device" on the dashboard' });
}
