import { type ApiClient, api, type Pipeline, type PipelineView, pipelineSchema, signDocument, signerOf } from '@starling/shared';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { readDocument } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { readKeyFile } from '../key-files.ts';
import { type ContextOf, examples } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime, shortDigest } from '../printable.ts';
import { findPipeline } from '../references.ts';
import { requirePublisher } from '../roots.ts';
import { formatFields } from '../table.ts';
import { definePipelineRun } from './pipeline-run.ts';

export function definePipelineCommands(program: Command, contextOf: ContextOf): void {
  const pipeline = program
    .command('pipeline')
    .summary('dataflow graphs over models and operators')
    .description('Check, try, push, list and inspect pipelines.');
  pipeline
    .command('push')
    .argument('<file>', 'pipeline document, YAML or JSON')
    .summary('check, sign and register a pipeline version')
    .option('--publisher-key <file>', 'key that signs it (default: keys/publisher.json beside the login)')
    .addHelpText('after', examples(['starling pipeline push read-signs.yaml', 'the name and version stand in the document']))
    .action(async (file: string, { publisherKey }: { publisherKey?: string }, command: Command) => {
      const context = contextOf(command);
      const document = await readPipeline(file);
      const key = await readKeyFile(publisherKey ?? context.settings.publisherKeyFile, '--publisher-key');
      const { client } = await context.connect();
      await requirePublisher(client, key);
      await requireSound(client, document);
      const { fleetId } = await client.call(api.fleetKey, {});
      const signed = await signDocument(await signerOf(key), 'pipeline', { ...document, fleetId });
      const view = await client.call(api.createPipeline, { body: { signed } });
      context.output.result(
        view,
        () => describePipeline(view),
        () => [view.digest],
      );
    });
  pipeline
    .command('check')
    .argument('<file>', 'pipeline document, YAML or JSON')
    .summary('check a pipeline against operators and the newest versions of its models')
    .addHelpText('after', examples(['starling pipeline check read-signs.yaml', 'ends with 5 if it has problems']))
    .action(async (file: string, _options, command: Command) => {
      const context = contextOf(command);
      const document = await readPipeline(file);
      const { client } = await context.connect();
      await requireSound(client, document);
      context.output.result({ problems: [] }, () => `${document.name}@${document.version} is sound`);
    });
  definePipelineRun(pipeline, contextOf);
  defineReading(pipeline, contextOf);
}

function defineReading(pipeline: Command, contextOf: ContextOf): void {
  addPaging(pipeline.command('ls'))
    .summary('list pipeline versions')
    .option('--search <text>', 'part of the name')
    .addHelpText('after', examples(['starling pipeline ls', 'newest first']))
    .action(async ({ search }: { search?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listPipelines, { query: { ...query, ...(search === undefined ? {} : { search }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'VERSION', value: ({ version }) => version },
          { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
          { title: 'NODES', value: ({ document }) => Object.keys(document.nodes).length, right: true },
          { title: 'MODELS', value: ({ document }) => modelsOf(document).join(' ') },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ name, version }) => `${name}@${version}`,
        empty: 'no pipelines yet; push one with "starling pipeline push"',
      });
    });
  pipeline
    .command('show')
    .argument('<pipeline>', 'name, name@version, digest or its first characters')
    .summary('one pipeline version and its graph')
    .addHelpText(
      'after',
      examples(
        ['starling pipeline show read-signs', 'the newest version'],
        ['starling pipeline show read-signs@1.0.0 --json', 'its document'],
      ),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context: Context = contextOf(command);
      const view = await findPipeline((await context.connect()).client, reference);
      context.output.result(
        view,
        () => describePipeline(view),
        () => [view.digest],
      );
    });
}

/** `kind` and `schemaVersion` are the same in every pipeline, so a person need not write them. */
function readPipeline(file: string): Promise<Pipeline> {
  return readDocument(
    file,
    'file',
    pipelineSchema.extend({
      kind: pipelineSchema.shape.kind.default('pipeline'),
      schemaVersion: pipelineSchema.shape.schemaVersion.default(1),
    }),
  );
}

/** @throws StarlingError `pipeline-has-problems` with every one of them */
async function requireSound(client: ApiClient, document: Pipeline): Promise<void> {
  const { problems } = await client.call(api.checkPipeline, { body: { document } });
  const [first] = problems;
  if (first === undefined) return;
  const { field, message, hint } = first;
  const title = `${document.name}@${document.version}`;
  if (problems.length === 1) {
    throw cliError('pipeline-has-problems', `${title} has 1 problem: ${field}: ${message}`, { field, hint: hint ?? `correct ${field}` });
  }
  const listed = problems.map((each) => `\n  ${each.field}: ${each.message}${each.hint === undefined ? '' : ` (${each.hint})`}`).join('');
  throw cliError('pipeline-has-problems', `${title} has ${problems.length} problems:${listed}`, {
    field,
    hint: `correct them from the top; docs/protocol/pipelines.md lists port types, operators and their parameters`,
  });
}

function modelsOf({ nodes }: Pipeline): string[] {
  return [...new Set(Object.values(nodes).flatMap((node) => ('model' in node ? [node.model] : [])))];
}

function describePipeline(view: PipelineView): string {
  const { document } = view;
  const ports = (record: Record<string, string>): string =>
    Object.entries(record)
      .map(([name, type]) => `${name}: ${type}`)
      .join(', ');
  const fields = formatFields([
    ['pipeline', `${view.name}@${view.version}`],
    ['digest', view.digest],
    ['description', document.description],
    ['inputs', ports(document.inputs)],
    ['outputs', ports(document.outputs)],
    ['models', modelsOf(document).join(', ')],
    ['monitors', Object.keys(document.monitors).join(', ')],
    ['created', `${formatTime(view.createdAtMs)} by ${view.createdBy}`],
  ]);
  return [fields, '', ...document.edges.map(({ from, to }) => `  ${from} -> ${to}`)].join('\n');
}
