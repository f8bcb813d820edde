import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import {
  expandPipeline,
  HOME_PLACE,
  isStarlingError,
  messageOf,
  type ParameterValues,
  type Pipeline,
  policiesSchema,
  releaseSchema,
  StarlingError,
} from '@starling/shared';
import type { InstalledRelease } from '../../core/ports/runtime-host.ts';
import { createRuntime, type Runtime } from '../../core/runtime/index.ts';
import { createSystemClock } from '../clock.ts';
import { openCredentials } from '../credentials.ts';
import { readAsset } from '../engine/assets.ts';
import { createOnnxRuntime } from '../engine/onnxruntime.ts';
import { systemRandom } from '../ids.ts';
import { createSharpCodec, encodeJpeg } from '../image-codec.ts';
import { createLog } from '../log.ts';
import { parametersOfTrial, readParameterTexts, valuesOfTexts } from '../parameters.ts';
import { createThreadSandbox } from '../sandbox.ts';
import { createLinuxSensors } from '../sensors/index.ts';
import { createSinks, type OpenSinks } from '../sinks/index.ts';
import { createPushEndpoints, createSources } from '../sources/index.ts';
import type { Tell } from '../tell.ts';
import { findModels, type ModelFiles, modelsOf } from './find-models.ts';
import { readAllInputs } from './local-inputs.ts';
import { readPipelineFile, requireSound } from './read-pipeline.ts';
import { createReport, type Report } from './report.ts';

export interface LocalRunOptions {
  input?: string | undefined;
  /** `NODE=PATH`: files in the place of that source. */
  source: readonly string[];
  set: readonly string[];
  /** `name=path`, also `name/asset=path`. */
  model: readonly string[];
  models?: string | undefined;
  credentials?: string | undefined;
  output?: string | undefined;
  json: boolean;
  /** Sinks send what they get, as they would on a device. */
  send: boolean;
  threads: number;
  /** Inputs count as taken so far apart: what nodes keep from item to item then depends on nothing but the inputs. */
  intervalMs: number;
}

export interface LocalRunPorts {
  write(line: string): void;
  tell(line: string): void;
  /** Ends the run. */
  signal: AbortSignal;
}

const RUN_TIMEOUT_MS = 120_000;
/** What sinks have not sent so long after the last item is given up. */
const SINKS_WAIT_MS = 10_000;
const SINKS_LOOK_MS = 50;
/** No device runs under this name: brokers and receivers can tell a trial from the real thing. */
const LOCAL_DEVICE = 'local-run';
/** What is run here was never released. */
const NO_DIGEST = '0'.repeat(64);

/**
 * Runs a pipeline on this machine, with no fleet: over files, or over its own sources until they end or the signal comes.
 * @returns whether every item has succeeded
 * @throws StarlingError `bad-pipeline`, `pipeline-has-problems`, `unknown-model`, `load-failed`, `no-input`, ...
 */
export async function runPipelineLocally(path: string, options: LocalRunOptions, ports: LocalRunPorts): Promise<boolean> {
  const file = await readPipelineFile(path);
  const { pipeline, places } = onOneMachine(file.pipeline);
  if (places.length > 0) ports.tell(`nodes for ${places.join(' and ')} run on this machine, too`);
  const texts = readParameterTexts(options.set);
  requireKnown(pipeline, texts);
  requireSound(file, parametersOfTrial(pipeline, texts));
  const models = await findModels(
    modelsOf(pipeline),
    resolve(options.models ?? join(dirname(path), 'models')),
    readParameterTexts(options.model),
  );
  const inputs = await readAllInputs(options, expandPipeline(pipeline, parametersOfTrial(pipeline, texts)), ports.tell);
  const report = createReport({ ...options, ...ports, output: options.output, encode: encodeJpeg });
  const folder = await mkdtemp(join(tmpdir(), 'starling-run-'));
  let sinks: OpenSinks | undefined;
  let unsent: ReturnType<OpenSinks['waiting']> = [];
  /** Values that are on their way to where they wait. */
  const handed = new Set<Promise<void>>();
  const runtime = openRuntime(folder, options.threads, ports, (node, values, item) => {
    const delivery = sinks?.deliver(node, values, item);
    if (delivery === undefined) return;
    handed.add(delivery);
    void delivery.finally(() => handed.delete(delivery));
  });
  try {
    await load(runtime, installedFor(pipeline, models, valuesOfTexts(pipeline, texts)), models, ports);
    const around = openEnds(pipeline, texts, folder, runtime, report, options, ports);
    sinks = around.sinks;
    try {
      if (inputs === undefined) await around.untilSourcesEnd();
      else {
        for (const { name, stream, index, ports: valuesOf } of inputs) {
          if (ports.signal.aborted) break;
          const place = { source: stream, timeMs: index * options.intervalMs, signal: ports.signal };
          await runOne(name, async () => runtime.infer({ ports: await valuesOf() }, place), report);
        }
      }
      await Promise.all(handed);
      unsent = await unsentBy(sinks, ports.signal);
    } finally {
      await around.close();
    }
  } finally {
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  }
  const isWhole = report.end();
  if (unsent.length > 0) {
    const words = unsent.map(({ node, count }) => `${count} of ${node}`).join(', ');
    throw new StarlingError(
      'values-not-sent',
      `values were not sent within ${SINKS_WAIT_MS / 1000} s, and are gone with this trial: ${words}`,
      {
        hint: 'see what was said of the sink; on a device they wait on the disk and are tried again',
      },
    );
  }
  return isWhole;
}

/** Waits until the sinks have sent all that they were given, as long as that may take. @returns what they have not */
async function unsentBy(sinks: OpenSinks | undefined, signal: AbortSignal): Promise<ReturnType<OpenSinks['waiting']>> {
  const clock = createSystemClock();
  const untilMs = clock.monotonicMs() + SINKS_WAIT_MS;
  while (sinks !== undefined && sinks.waiting().length > 0 && !signal.aborted && clock.monotonicMs() < untilMs)
    await new Promise<void>((resolve) => void clock.after(SINKS_LOOK_MS, resolve));
  return sinks?.waiting() ?? [];
}

/** Whatever nodes say about where they run: a trial has one machine. */
function onOneMachine(pipeline: Pipeline): { pipeline: Pipeline; places: string[] } {
  const places = new Set<string>();
  const here = (nodes: Pipeline['nodes']): Pipeline['nodes'] =>
    Object.fromEntries(
      Object.entries(nodes).map(([name, node]) => {
        if (node.on !== HOME_PLACE) places.add(node.on);
        return [name, { ...node, on: HOME_PLACE }];
      }),
    );
  const pipelines = Object.entries(pipeline.pipelines).map(([name, inner]) => [name, { ...inner, nodes: here(inner.nodes) }] as const);
  return { pipeline: { ...pipeline, nodes: here(pipeline.nodes), pipelines: Object.fromEntries(pipelines) }, places: [...places] };
}

function requireKnown({ parameters }: Pipeline, texts: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(texts).find((name) => !Object.hasOwn(parameters, name));
  if (unknown === undefined) return;
  const names = Object.keys(parameters);
  throw new StarlingError('unknown-parameter', `the pipeline has no parameter "${unknown}"`, {
    field: `set.${unknown}`,
    hint: names.length === 0 ? 'it has none' : `parameters: ${names.join(', ')}`,
  });
}

async function runOne(name: string, run: () => ReturnType<Runtime['infer']>, report: Report): Promise<void> {
  try {
    await report.succeeded(name, await run());
  } catch (error) {
    report.failed(name, error);
  }
}

type Deliver = (
  node: string,
  values: Readonly<Record<string, unknown>>,
  item: { stream: string; sequence: number; timeMs: number },
) => void;

function openRuntime(folder: string, threads: number, { tell }: LocalRunPorts, deliver: Deliver): Runtime {
  return createRuntime({
    engine: createOnnxRuntime({
      workerUrl: new URL('../engine/session-worker.ts', import.meta.url),
      runTimeoutMs: RUN_TIMEOUT_MS,
      onHung: (reason) => {
        tell(`a model hangs: ${reason}`);
        process.kill(process.pid, 'SIGKILL');
      },
    }),
    clock: createSystemClock(),
    codec: createSharpCodec(),
    random: systemRandom,
    readAsset,
    sandbox: createThreadSandbox(new URL('../engine/script-worker.ts', import.meta.url)),
    references: { read: async () => null, write: async () => undefined },
    sensors: createLinuxSensors({ dataDirectory: folder, processIds: [process.pid] }),
    machine: { threads, arena: true },
    emit(event) {
      if (event.type === 'deliver') deliver(event.node, event.values, event.item);
    },
  });
}

async function load(
  runtime: Runtime,
  release: InstalledRelease,
  models: Readonly<Record<string, ModelFiles>>,
  { tell }: LocalRunPorts,
): Promise<void> {
  const sizes = await Promise.all(
    Object.entries(models).map(async ([name, { file }]) => `${name} ${((await stat(file)).size / 1e6).toFixed(1)} MB`),
  );
  if (sizes.length > 0) tell(`loading ${sizes.join(', ')}`);
  const { loadMs } = await runtime.load(release);
  await runtime.activate(release.key);
  if (sizes.length > 0) tell(`loaded in ${Math.round(loadMs)} ms`);
}

/** What a device would have installed. All outputs may be seen: nothing leaves this machine but through sinks. */
function installedFor(pipeline: Pipeline, models: Readonly<Record<string, ModelFiles>>, parameters: ParameterValues): InstalledRelease {
  const sinks = Object.keys(expandPipeline(pipeline).nodes);
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: LOCAL_DEVICE, name: 'local', createdAtMs: 0, models: [], parameters },
    pipeline: { name: pipeline.name, version: pipeline.version, digest: NO_DIGEST },
    policies: policiesSchema.parse({ egress: { outputs: Object.keys(pipeline.outputs), sinks } }),
  });
  const assets = Object.entries(models).flatMap(([model, { assets: files }]) =>
    Object.entries(files).map(([asset, location]) => [`${model}/${asset}`, location] as const),
  );
  return {
    ...{ key: 'local', digest: NO_DIGEST, release, pipeline, telemetryWindowMs: 3_600_000 },
    models: Object.entries(models).map(([name, { file }]) => ({
      ...{ name, artefact: name, location: file, precision: 'fp32', executionProviders: ['cpu'] },
    })),
    assets: Object.fromEntries(assets),
  };
}

/** What a device would try again until it is there: of a file that is to be read once, here, it is the end. */
const LOST_CODES: readonly string[] = ['source-lost', 'folder-unreadable', 'ffmpeg-missing'];

/** @returns `lost`, which fails once a source that reads what is stored cannot */
function watchStored({ nodes }: Pick<Pipeline, 'nodes'>, say: Tell): { tell: Tell; lost: Promise<never> } {
  const isStored = (name: string): boolean => {
    const node = nodes[name];
    return node !== undefined && 'source' in node && node.params['path'] !== undefined && node.params['loop'] !== true;
  };
  let lose = (_error: StarlingError): void => undefined;
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => undefined);
  return {
    lost,
    tell(level, code, message, detail) {
      const node = String(detail?.['node'] ?? '');
      if (!LOST_CODES.includes(code) || !isStored(node)) return say(level, code, message, detail);
      const hint = 'give another with --set, where the path is a parameter, or files in its place with --input or --source';
      lose(new StarlingError(code, message, { field: `nodes.${node}.params.path`, hint }));
    },
  };
}

/**
 * A device makes a folder that is not there and waits for files in it; whoever tries a pipeline has misspelt it.
 * @returns what is to be said of sources that have no end
 * @throws StarlingError `folder-unreadable`
 */
async function requireFolders({ nodes }: Pick<Pipeline, 'nodes'>): Promise<string[]> {
  const endless: string[] = [];
  for (const [name, node] of Object.entries(nodes)) {
    if (!('source' in node)) continue;
    const path = node.params['path'];
    const isFolder = node.source === 'folder' && typeof path === 'string';
    if (isFolder && !(await stat(path).catch(() => undefined))?.isDirectory()) {
      const hint = 'give another with --set, where the path is a parameter, or files in its place with --input or --source';
      throw new StarlingError('folder-unreadable', `${name}: there is no folder ${path}`, { field: `nodes.${name}.params.path`, hint });
    }
    if (isFolder || path === undefined || node.params['loop'] === true) endless.push(name);
  }
  return endless.length === 0 ? [] : [`runs until Ctrl-C: ${endless.join(', ')} ${endless.length === 1 ? 'waits' : 'wait'} for more`];
}

/** Sources of the pipeline where nothing is given in their place, and sinks where they are to send. */
function openEnds(
  pipeline: Pipeline,
  texts: Readonly<Record<string, string>>,
  folder: string,
  runtime: Runtime,
  report: Report,
  options: LocalRunOptions,
  { tell: say, signal }: LocalRunPorts,
) {
  const clock = createSystemClock();
  const expanded = expandPipeline(pipeline, parametersOfTrial(pipeline, texts));
  const stored = watchStored(expanded, (level, code, message) => say(`${level}: ${code}: ${message}`));
  const { tell } = stored;
  const shared = {
    ...{ device: LOCAL_DEVICE, clock, random: systemRandom, tell, endpoints: createPushEndpoints() },
    log: createLog('warn', () => clock.wallMs(), say),
    credentials: openCredentials(options.credentials ?? 'credentials.yaml'),
  };
  const places = { filesFolder: resolve(options.output ?? '.', 'files'), encode: encodeJpeg };
  const sinks = createSinks({ ...shared, ...places }, join(folder, 'sinks'));
  const sinkNodes = Object.entries(expanded.nodes).flatMap(([name, node]) => ('sink' in node ? [name] : []));
  if (sinkNodes.length > 0 && !options.send) say(`sinks get nothing in a trial: ${sinkNodes.join(', ')}; let them send with --send`);
  let count = 0;
  const sources = createSources({
    ...shared,
    sink: {
      async push(node, values, { stream, timeMs, signal: own }) {
        count += 1;
        const name = typeof values.name === 'string' ? values.name : `${node} ${count}`;
        const named = Object.fromEntries(Object.entries(values).map(([port, value]) => [`${node}.${port}`, value]));
        await runOne(name, () => runtime.infer({ ports: named }, { source: stream, timeMs, signal: own }), report);
      },
    },
  });
  return {
    sinks: options.send ? sinks.open(expanded, { outputs: [], edges: [], sinks: sinkNodes }) : undefined,
    async untilSourcesEnd() {
      if (!Object.values(expanded.nodes).some((node) => 'source' in node)) {
        throw new StarlingError('no-input', 'the pipeline has no source: there is nothing to run it on', {
          field: 'input',
          hint: 'give a file or a folder with --input',
        });
      }
      for (const line of await requireFolders(expanded)) say(line);
      const opened = sources.open(expanded);
      const aborted = new Promise<void>((done) => {
        if (signal.aborted) done();
        signal.addEventListener('abort', () => done(), { once: true });
      });
      await Promise.race([opened.ended(), aborted, stored.lost]);
    },
    async close() {
      await sources.closeAll();
      await sinks.closeAll().catch((error: unknown) => say(isStarlingError(error) ? error.code : messageOf(error)));
    },
  };
}
