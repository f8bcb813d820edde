import {
  type ApiClient,
  api,
  expandPipeline,
  isStarlingError,
  type ModelPorts,
  modelNamesOf,
  type Pipeline,
  splitByPlace,
  suggest,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { atPlace, checkPipelineFile, inOrder } from '../check-pipeline-file.ts';
import type { Context } from '../context.ts';
import { readModelPorts } from '../model-ports.ts';
import { readOptions, readPairs, wordsSchema } from '../options.ts';
import { type PipelineFile, readPipelineFile } from '../pipeline-file.ts';
import { PipelineFileProblems } from '../pipeline-problems.ts';
import { findModel } from '../references.ts';

const checkOptions = z.object({ offline: z.boolean().default(false), model: wordsSchema });

/** Checks a file, with the fleet where there is one: what needs none is checked all the same. */
export async function checkPipelineCommand(context: Context, file: string, command: Command): Promise<void> {
  const { offline, model } = readOptions(command, checkOptions);
  const given = new Map<string, ModelPorts>();
  for (const [name, path] of Object.entries(readPairs(model, '--model'))) given.set(name, await readModelPorts(path));
  const client = offline ? undefined : await clientOf(context);
  const { document } = await requireSound(file, { client, given });
  const unused = [...given.keys()].filter((name) => !modelNamesOf(document).includes(name));
  if (unused.length > 0)
    context.output.notice(
      `no node runs ${unused.join(', ')}, which --model gives; ${suggest(unused[0] ?? '', modelNamesOf(document), 'models')}`,
    );
  const unchecked = client === undefined ? modelNamesOf(document).filter((name) => !given.has(name)) : [];
  if (unchecked.length > 0) {
    const why = offline ? '' : 'not signed in: ';
    context.output.notice(`${why}the models ${unchecked.join(', ')} were not checked; give them with --model name=file.onnx`);
  }
  const parts = splitByPlace(expandPipeline(document)).map(({ name, place, nodes, inputs, outputs }) => ({
    ...{ name, place, nodes, takes: [...new Set(inputs.map(({ from }) => from))], gives: outputs },
  }));
  context.output.result(
    { problems: [], ...(unchecked.length === 0 ? {} : { uncheckedModels: unchecked }), ...(parts.length === 0 ? {} : { parts }) },
    () => [`${document.name}@${document.version} is sound`, ...parts.map(partText), ...streamsText(parts)].join('\n'),
  );
}

interface Part {
  name: string;
  place: string;
  nodes: readonly string[];
  takes: readonly string[];
  gives: readonly string[];
}

function partText({ name, place, nodes, takes, gives }: Part): string {
  return `  part ${name} on ${place}: ${nodes.join(', ')}; takes ${takes.join(', ') || 'nothing'}, gives ${gives.join(', ') || 'nothing'}`;
}

/** What a release has to allow, as it is typed. */
function streamsText(parts: readonly Part[]): string[] {
  const ports = [...new Set(parts.flatMap(({ takes, gives }) => [...takes, ...gives]))];
  return ports.length === 0 ? [] : [`  its release needs ${ports.map((port) => `--allow-stream ${port}`).join(' ')}`];
}

/** Whoever is not signed in anywhere checks without a fleet; one that is named, and cannot be reached, is an error. */
export async function clientOf(context: Context): Promise<ApiClient | undefined> {
  try {
    return (await context.connect()).client;
  } catch (error) {
    if (isStarlingError(error) && error.code === 'not-signed-in') return undefined;
    throw error;
  }
}

export interface SoundPipeline {
  document: Pipeline;
  /** Without defaults: what is signed says what a person said, and is read by agents that know less. */
  written: Record<string, unknown>;
}

/**
 * The pipeline in a file, as it will be signed.
 * @throws StarlingError `pipeline-has-problems` with every one of them, and its place
 */
export async function requireSound(
  file: string,
  { client, given = new Map() }: { client: ApiClient | undefined; given?: ReadonlyMap<string, ModelPorts> },
): Promise<SoundPipeline> {
  const read = await readPipelineFile(file, client);
  const models = client === undefined ? given : await withFleetModels(client, read, given);
  const { document, problems } = checkPipelineFile(read, { models, mayBeElsewhere: client === undefined });
  if (document === undefined || problems.length > 0) throw new PipelineFileProblems(file, problems);
  if (client !== undefined && given.size === 0) {
    // The fleet may be of another version, with other operators.
    const answer = await client.call(api.checkPipeline, { body: { document } });
    if (answer.problems.length > 0) throw new PipelineFileProblems(file, inOrder(answer.problems.map((each) => atPlace(each, read))));
  }
  return { document, written: { kind: document.kind, schemaVersion: document.schemaVersion, ...read.value } };
}

async function withFleetModels(
  client: ApiClient,
  { value }: PipelineFile,
  given: ReadonlyMap<string, ModelPorts>,
): Promise<ReadonlyMap<string, ModelPorts>> {
  const models = new Map(given);
  for (const name of namesOfModels(value)) {
    if (models.has(name)) continue;
    try {
      models.set(name, (await findModel(client, name)).document);
    } catch (error) {
      if (!isStarlingError(error) || error.code !== 'not-found') throw error;
    }
  }
  return models;
}

/** Of a document that no schema has checked yet. */
function namesOfModels(value: unknown): Set<string> {
  const graph = z.object({ nodes: z.record(z.string(), z.object({ model: z.string().optional().catch(undefined) }).catch({})).catch({}) });
  const { data } = graph.extend({ pipelines: z.record(z.string(), graph.catch({ nodes: {} })).catch({}) }).safeParse(value);
  const graphs = data === undefined ? [] : [data, ...Object.values(data.pipelines)];
  return new Set(graphs.flatMap(({ nodes }) => Object.values(nodes).flatMap(({ model }) => model ?? [])));
}
