import { type ModelView, operatorRegistry, type PipelineView, sinkRegistry, sourceRegistry } from '@starling/shared';
import { parse } from 'yaml';
import type { Edit } from './edit-document.ts';
import { firstValuesOf, paramFieldsOf } from './param-fields.ts';
import { textOfPipeline } from './starting-text.ts';

/** Something that can be put into a graph. */
export interface PaletteEntry {
  key: string;
  title: string;
  summary: string;
  group: string;
  /** What its node is called if nobody says otherwise. */
  wish: string;
  /** The changes that put it there under a name. */
  edits: (name: string) => Edit[];
}

/** What of the fleet can be named in a pipeline. */
export interface Catalogue {
  models: readonly Pick<ModelView, 'name' | 'version' | 'document'>[];
  pipelines: readonly Pick<PipelineView, 'name' | 'version' | 'document'>[];
}

const scriptNode = {
  script: {
    source: 'export default function ({ value }) {\n  return { result: value };\n}\n',
    inputs: { value: 'json' },
    outputs: { result: 'json' },
  },
};

/** All that there is, by group: models and own code first, then operators by their field. */
export function paletteEntries({ models, pipelines }: Catalogue, inside: readonly string[]): PaletteEntry[] {
  return [...modelEntries(models), scriptEntry, ...pipelineEntries(pipelines, inside), ...registryEntries()];
}

function modelEntries(models: Catalogue['models']): PaletteEntry[] {
  const newest = new Map(models.toReversed().map((model) => [model.name, model]));
  return [...newest.values()].map(({ name, version, document }) => ({
    ...{ key: `model ${name}`, title: name, group: 'Models', wish: name },
    summary: `${version}: ${document.inputs.map((port) => port.name).join(', ')} → ${document.outputs.map((port) => port.name).join(', ')}`,
    edits: (node) => [{ kind: 'add-node', name: node, node: { model: name } }],
  }));
}

const scriptEntry: PaletteEntry = {
  ...{ key: 'script', title: 'Script', group: 'Own code', wish: 'script' },
  summary: 'Own JavaScript in a sandbox without input, output, clock or chance',
  edits: (name) => [{ kind: 'add-node', name, node: scriptNode }],
};

/** A published pipeline is copied into this one, so that a release of it needs nothing else. */
function pipelineEntries(pipelines: Catalogue['pipelines'], inside: readonly string[]): PaletteEntry[] {
  const newest = new Map(pipelines.toReversed().map((pipeline) => [pipeline.name, pipeline]));
  const own = inside.map(
    (name): PaletteEntry => ({
      ...{ key: `inside ${name}`, title: name, group: 'Pipelines', wish: name, summary: 'Stands in this document already' },
      edits: (node) => [{ kind: 'add-node', name: node, node: { pipeline: name } }],
    }),
  );
  const others = [...newest.values()].filter(({ name }) => !inside.includes(name));
  return [
    ...own,
    ...others.map(
      ({ name, version, document }): PaletteEntry => ({
        ...{ key: `pipeline ${name}`, title: name, group: 'Pipelines', wish: name, summary: `${version}: ${document.description}` },
        edits: (node) => [
          { kind: 'add-pipeline', name, pipeline: innerOf(document, version) },
          { kind: 'add-node', name: node, node: { pipeline: name } },
        ],
      }),
    ),
  ];
}

function innerOf(document: PipelineView['document'], version: string): Record<string, unknown> {
  const { inputs, outputs, parameters, nodes, edges } = parse(textOfPipeline(document)) as Record<string, unknown>;
  return { version, inputs, outputs, ...(parameters !== undefined && { parameters }), nodes, edges };
}

function registryEntries(): PaletteEntry[] {
  return [
    ...[...sourceRegistry.values()].map((source) => entryOf('source', 'Sources', source)),
    ...[...sinkRegistry.values()].map((sink) => entryOf('sink', 'Sinks', sink)),
    ...[...operatorRegistry.values()].map((operator) => entryOf('op', `Operators: ${operator.name.split('.')[0]}`, operator)),
  ];
}

interface Named {
  name: string;
  summary: string;
  params: Parameters<typeof paramFieldsOf>[0];
}

function entryOf(kind: 'op' | 'source' | 'sink', group: string, { name, summary, params }: Named): PaletteEntry {
  return {
    ...{ key: `${kind} ${name}`, title: name, summary, group, wish: name.split('.').at(-1) ?? name },
    edits: (node) => {
      const needed = firstValuesOf(paramFieldsOf(params));
      return [{ kind: 'add-node', name: node, node: { [kind]: name, ...(Object.keys(needed).length > 0 && { params: needed }) } }];
    },
  };
}
