import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Capabilities, makeRandomId, messageOf, StarlingError } from '@starling/shared';
import { listSupportedBackends } from 'onnxruntime-node';
import { type Agent, type AgentPorts, startAgent } from '../core/index.ts';
import { openJournal } from '../core/journal/index.ts';
import { createTrust } from '../core/link/index.ts';
import type { AgentUpdater } from '../core/ports/agent-updater.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import type { RuntimeHost } from '../core/ports/runtime-host.ts';
import type { RuntimeIdentity } from '../core/ports/runtime-identity.ts';
import { openFollowingAccess } from './authorities.ts';
import { openBlobStore } from './blob-store.ts';
import { measureCapabilities } from './capabilities.ts';
import { createSystemClock } from './clock.ts';
import { type AgentConfig, childEnvironment, inferenceServerOf } from './config.ts';
import { openCredentials } from './credentials.ts';
import type { HostConfig, InferenceServer } from './engine/host-config.ts';
import { createHostProcess } from './engine/host-process.ts';
import { createMeasureProcess } from './engine/measure-process.ts';
import { hasRoom } from './engine/memory.ts';
import { openInferenceVersion } from './engine/open-inference.ts';
import { readEnrolment } from './enrol.ts';
import { openFileStore } from './file-store.ts';
import { hash } from './hash.ts';
import { identityOf, onnxRuntimeVersion } from './identity.ts';
import { systemRandom } from './ids.ts';
import { encodeJpeg } from './image-codec.ts';
import { inflate } from './inflate.ts';
import { readDeviceKey } from './key-store.ts';
import { ownerCommands } from './owner-commands.ts';
import { readParameterTexts, valuesOfTexts } from './parameters.ts';
import { createPipelineEnds } from './pipeline-ends.ts';
import { createLinuxSensors } from './sensors/index.ts';
import { serveLocally } from './serve.ts';
import { createPushEndpoints, type Source, watchFolder, watchVideo } from './sources/index.ts';
import type { Tell } from './tell.ts';
import { createMqttTransport } from './transport.ts';
import { AGENT_VERSION } from './version.ts';

export interface RunningAgent {
  agent: Agent;
  httpPort: number;
  close(): Promise<void>;
}

const STATUS_INTERVAL_MS = 2_000;

/**
 * Execution providers of this build of the engine. The CPU is known to run; others have run when a release ran on them. Those of a server
 * are what its operator says: whether they compute right, the golden inputs show.
 */
export function engineProviders(server?: InferenceServer) {
  if (server !== undefined) return server.providers.map((name) => ({ name, ran: true }));
  return listSupportedBackends().map(({ name }) => ({ name, ran: name === 'cpu' }));
}

/** What verdicts and measurements hold for. A server that starts later than the agent is one of an unknown version. */
async function engineVersion(server: InferenceServer | undefined, log: Log): Promise<string> {
  if (server === undefined) return onnxRuntimeVersion();
  try {
    return await openInferenceVersion(server.url);
  } catch (error) {
    log.warn('the inference server does not say its version', { url: server.url, reason: messageOf(error) });
    return 'open-inference unknown';
  }
}

const shipped = import.meta.url.endsWith('.js');

/** A program beside this one: a source file, or a module of a package. */
function moduleOf(name: string): URL {
  return new URL(shipped ? `./${name}.js` : `./engine/${name}.ts`, import.meta.url);
}

function hostConfigOf(
  directory: string,
  { threads, memoryArena, runTimeoutMs }: AgentConfig,
  server: InferenceServer | undefined,
): HostConfig {
  return {
    ...{ dataDirectory: directory, runTimeoutMs, workerFile: shipped ? './session-worker.js' : './session-worker.ts' },
    scriptFile: shipped ? './script-worker.js' : './script-worker.ts',
    machine: { threads, arena: memoryArena === 'auto' ? hasRoom() : memoryArena === 'on' },
    ...(server === undefined ? {} : { server }),
  };
}

/** What V8 has compiled is kept: a host that ended is back half a second sooner. */
function hostEnvironment(directory: string): NodeJS.ProcessEnv {
  return { ...childEnvironment(), NODE_COMPILE_CACHE: join(directory, 'compiled') };
}

/** Where the runtime host keeps optimised models. What measures has none: it times a first load. */
function cacheOf({ optimisedCacheMegabytes }: AgentConfig, directory: string, identity: RuntimeIdentity): Pick<HostConfig, 'cache'> {
  if (optimisedCacheMegabytes === 0) return {};
  return { cache: { directory: join(directory, 'optimised'), ...identity, maximumBytes: optimisedCacheMegabytes * 1024 * 1024 } };
}

/** Models in a server lie in the memory of that server, often that of a GPU. */
function sensing(dataDirectory: string, server: InferenceServer | undefined): Pick<AgentPorts, 'sensors' | 'modelMemoryBytes'> {
  const sensors = createLinuxSensors({ dataDirectory, processIds: [process.pid] });
  return { sensors, modelMemoryBytes: async () => (server === undefined ? (await sensors.read()).memoryAvailableBytes : null) };
}

/** What the owner of this device sets of the parameters of pipelines, as it was written and by pipeline. */
function ownValues({ set }: AgentConfig) {
  const parameters = readParameterTexts(set);
  const ownParameters: NonNullable<AgentPorts['ownParameters']> = (pipeline) => valuesOfTexts(pipeline, parameters);
  return { parameters, ownParameters };
}

/** A release is loaded with the values that this device gives to parameters of its pipelines. */
function withParameters(host: RuntimeHost, own: NonNullable<AgentPorts['ownParameters']>): RuntimeHost {
  return {
    ...host,
    async load(release) {
      const pipelines = [release.pipeline, ...(release.alongside ?? [])];
      const parameters = Object.fromEntries(pipelines.map((pipeline) => [pipeline.name, own(pipeline)]));
      return host.load({ ...release, parameters });
    },
  };
}

/** What sources and sinks of pipelines may use on this device. */
function surroundings(directory: string, config: AgentConfig, ports: { clock: Clock; log: Log; device: string }) {
  return {
    ...{ ...ports, random: systemRandom, endpoints: createPushEndpoints(), encode: encodeJpeg },
    credentials: openCredentials(config.credentials ?? join(directory, 'credentials.yaml')),
    ...{ directory: join(directory, 'sinks'), filesFolder: config.filesFolder ?? join(directory, 'files') },
  };
}

/** Folder and video of the settings, which feed whatever pipeline runs. */
function openWatched({ watch, video, framesPerSecond }: AgentConfig, around: ReturnType<typeof surroundings>, host: RuntimeHost): Source[] {
  const tell: Tell = (level, code, message, detail) => around.log[level === 'warning' ? 'warn' : level](message, { code, ...detail });
  const ports = { ...around, tell, infer: (image: Uint8Array, source: string) => host.infer(image, { source }) };
  return [
    ...(watch === undefined ? [] : [watchFolder(watch, ports)]),
    ...(video === undefined ? [] : [watchVideo(video, framesPerSecond, ports)]),
  ];
}

/**
 * Runs an enrolled agent in this process, with its runtime host beside it.
 * @param directory data directory, claimed by the caller
 * @throws StarlingError `not-enrolled`, `port-taken`
 */
export async function runAgent(directory: string, config: AgentConfig, log: Log, updater?: AgentUpdater): Promise<RunningAgent> {
  const enrolment = await readEnrolment(directory);
  const key = await readDeviceKey(directory);
  if (enrolment === undefined || key === undefined) {
    throw new StarlingError('not-enrolled', `there is no enrolled device in ${directory}`, {
      hint: 'run "starling-agent enrol" with a claim token first',
    });
  }
  const clock = createSystemClock();
  const files = await openFileStore(join(directory, 'state'));
  const journal = await openJournal(files);
  const trust = await createTrust(journal, clock, enrolment.rootDigest, [...enrolment.roots, ...journal.state.roots]);
  const { authority, access } = await openFollowingAccess(directory, enrolment, { trust, log });
  const inferenceServer = inferenceServerOf(config);
  const hostConfig = hostConfigOf(directory, config, inferenceServer);
  const capabilities = (): Promise<Capabilities> => measureCapabilities(directory, engineProviders(inferenceServer));
  const measured = await capabilities();
  const identity = identityOf(measured, await engineVersion(inferenceServer, log));
  const { parameters, ownParameters } = ownValues(config);
  const host = withParameters(
    createHostProcess({
      ...hostConfig,
      ...cacheOf(config, directory, identity),
      hostFile: moduleOf('runtime-host'),
      environment: hostEnvironment(directory),
    }),
    ownParameters,
  );
  const around = surroundings(directory, config, { clock, log, device: key.device });
  const agent = await startAgent(
    {
      transport: createMqttTransport({ authority }),
      access,
      key,
      trust,
      journal,
      files,
      store: await openBlobStore(directory),
      host,
      measureHost: createMeasureProcess({
        config: hostConfig,
        providers: engineProviders(inferenceServer).map(({ name }) => name),
        measureFile: moduleOf('measure-host'),
        environment: childEnvironment(),
      }),
      ...sensing(directory, inferenceServer),
      openEnds: (tell, changed) => createPipelineEnds({ ...around, tell, changed, host, parameters }),
      ...{ ownParameters, identity },
      tuneBudgetMs: config.tuneBudgetMs,
      cores: measured.cpu.cores,
      ...ownerCommands(config),
      updater,
      ...{ inflate, hash, clock, random: systemRandom, log, capabilities },
    },
    { agentVersion: AGENT_VERSION, bootId: makeRandomId(systemRandom.bytes), streamId: makeRandomId(systemRandom.bytes) },
  );
  const server = await serveLocally(config.httpPort, { host, status: () => agent.status(), endpoints: around.endpoints });
  const sources = openWatched(config, around, host);
  const status = () => ({ ...agent.status(), httpPort: server.port, pid: process.pid });
  const stopStatus = writeStatus(join(directory, 'status.json'), status, log);
  return {
    agent,
    httpPort: server.port,
    async close() {
      stopStatus();
      await Promise.all(sources.map((source) => source.close()));
      await server.close();
      await agent.close();
    },
  };
}

/** For `starling-agent status`. @returns a function that ends it */
function writeStatus(path: string, status: () => object, log: Log): () => void {
  let isWriting = false;
  const write = async (): Promise<void> => {
    // Two at once would write the same file.
    if (isWriting) return;
    isWriting = true;
    try {
      // Whoever reads it meanwhile, or after a power cut, finds the old text or the new one, and never a part.
      await writeFile(`${path}.new`, JSON.stringify(status()));
      await rename(`${path}.new`, path);
    } catch (error) {
      log.debug('the status was not written', { reason: messageOf(error) });
    } finally {
      isWriting = false;
    }
  };
  const timer = setInterval(() => void write(), STATUS_INTERVAL_MS);
  return () => clearInterval(timer);
}
