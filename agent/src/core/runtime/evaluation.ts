import { expandPipeline, type PipelineGraph, pipelineSchema, releaseSchema, StarlingError } from '@starling/shared';
import type { Graph } from '../pipelines/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tensor } from '../ports/engine.ts';
import type { InferInput, InstalledRelease } from '../ports/runtime-host.ts';
import { defaultSettings, type LoadedModel } from '../sessions/index.ts';
import { buildGraph, type NodePorts } from './bind-node.ts';
import { bindOperator, type OperatorPorts } from './bind-operator.ts';
import { type OpenScripts, openScripts } from './open-scripts.ts';
import { valuesOf } from './values-of.ts';

export interface EvaluationPlan {
  graph: PipelineGraph;
  /** Model name -> files on this machine. */
  models: Readonly<Record<string, { file: string; assets: Readonly<Record<string, string>> }>>;
  /** The model whose inputs are recorded. */
  record?: string | undefined;
  /** Models that run without graph optimisation. */
  exact: readonly string[];
  threads: number;
}

export interface EvaluatedItem {
  outputs: Record<string, unknown>;
  /** Inputs of each run of the recorded model, in the order of the runs. */
  feeds: Readonly<Record<string, Tensor>>[];
}

/** A graph with its models loaded, for samples one after the other; without queue, monitors or egress, since nothing leaves. */
export interface Evaluation {
  run(input: InferInput): Promise<EvaluatedItem>;
  /** Watches the graph. @returns a function that ends the watching */
  observe: Graph['observe'];
  close(): Promise<void>;
}

/** A digest that names nothing: what is evaluated was never released. */
const NO_DIGEST = '0'.repeat(64);

/**
 * Loads a graph as a device would.
 * @throws StarlingError `load-failed`, `unknown-model`, `invalid-pipeline`, `invalid-params`
 */
export async function openEvaluation(plan: EvaluationPlan, ports: OperatorPorts & { clock: Clock }): Promise<Evaluation> {
  let feeds: Readonly<Record<string, Tensor>>[] = [];
  const installed = installedFor(plan);
  const loaded = new Map<string, LoadedModel>();
  let scripts: OpenScripts | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([closeAll(loaded), scripts?.close()]);
  };
  try {
    for (const [name, { file }] of Object.entries(plan.models)) {
      const settings = defaultSettings('cpu', { threads: plan.threads, arena: true });
      const session = await ports.engine.open(file, { ...settings, unoptimised: plan.exact.includes(name) });
      const recorded = name === plan.record;
      const run: typeof session.run = (inputs) => {
        if (recorded) feeds.push(inputs);
        return session.run(inputs);
      };
      loaded.set(name, { name, artefact: name, session: { ...session, run } });
    }
    const expanded = expandPipeline(installed.pipeline);
    scripts = await openScripts(expanded, ports.sandbox);
    const nodePorts: NodePorts = {
      ...{ clock: ports.clock, engine: ports.engine, script: scripts.script },
      operator: (name, node) => bindOperator(name, node, installed, ports),
      deliver: async () => undefined,
      model(name, node) {
        const model = loaded.get(node.model);
        if (model !== undefined) return model;
        throw new StarlingError('unknown-model', `the evaluation has no model "${node.model}"`, { field: `nodes.${name}.model` });
      },
    };
    const graph = buildGraph(expanded, nodePorts);
    return {
      async run(input) {
        feeds = [];
        const values = valuesOf(input, installed.pipeline);
        const { outputs } = await graph.run({ values, stream: 'evaluation', timeMs: ports.clock.wallMs() });
        return { outputs, feeds };
      },
      observe: (observer) => graph.observe(observer),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function closeAll(loaded: ReadonlyMap<string, LoadedModel>): Promise<void> {
  await Promise.allSettled([...loaded.values()].map((model) => model.session.close()));
}

/** Operators find their assets through an installed release; here it says where the files of the builder lie. */
function installedFor({ graph, models }: EvaluationPlan): InstalledRelease {
  const pipeline = pipelineSchema.parse({ kind: 'pipeline', schemaVersion: 1, name: 'evaluation', version: '1.0.0', ...graph });
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'evaluation', name: 'evaluation', createdAtMs: 0 },
    pipeline: { name: pipeline.name, version: pipeline.version, digest: NO_DIGEST },
    models: [],
  });
  const assets = Object.fromEntries(
    Object.entries(models).flatMap(([model, { assets: files }]) =>
      Object.entries(files).map(([asset, file]) => [`${model}/${asset}`, file]),
    ),
  );
  return { key: 'evaluation', digest: NO_DIGEST, release, pipeline, models: [], assets, telemetryWindowMs: 60_000 };
}
