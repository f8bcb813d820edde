import { api, modelNamesOf, type PipelineView, pipelineJsonSchema, signDocument, signerOf } from '@starling/shared';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { readKeyFile } from '../key-files.ts';
import { type ContextOf, collect, examples } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime, shortDigest } from '../printable.ts';
import { findPipeline } from '../references.ts';
import { requirePublisher } from '../roots.ts';
import { formatFields } from '../table.ts';
import { checkPipelineCommand, requireSound } from './pipeline-check.ts';
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
      const key = await readKeyFile(publisherKey ?? context.settings.publisherKeyFile, '--publisher-key');
      const { client } = await context.connect();
      await requirePublisher(client, key);
      const { written } = await requireSound(file, { client });
      const { fleetId } = await client.call(api.fleetKey, {});
      const signed = await signDocument(await signerOf(key), 'pipeline', { ...written, fleetId });
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
    .summary('check a pipeline: its form, its graph, and the newest versions of its models')
    .option('--offline', 'ask no fleet: models are not checked unless --model gives them')
    .option(
      '--model <name=file>',
      'a model that the fleet does not have: its .onnx, or a file with its inputs and outputs; may be repeated',
      collect,
    )
    .addHelpText(
      'after',
      examples(
        ['starling pipeline check read-signs.yaml', 'every mistake, with its line and what to do; ends with 5 if there are some'],
        ['starling pipeline check read-signs.yaml --offline --model detect=det.onnx', 'without a fleet'],
      ),
    )
    .action((file: string, _options, command: Command) => checkPipelineCommand(contextOf(command), file, command));
  pipeline
    .command('schema')
    .summary('print the JSON Schema of pipeline files, for editors')
    .addHelpText(
      'after',
      examples([
        'starling pipeline schema > pipeline.schema.json',
        'then start a file with "# yaml-language-server: $schema=pipeline.schema.json"',
      ]),
    )
    .action((_options, command: Command) => {
      const schema = pipelineJsonSchema();
      contextOf(command).output.result(schema, () => JSON.stringify(schema, undefined, 2));
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
          { title: 'MODELS', value: ({ document }) => modelNamesOf(document).join(' ') },
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
    ['models', modelNamesOf(document).join(', ')],
    ['monitors', Object.keys(document.monitors).join(', ')],
    ['created', `${formatTime(view.createdAtMs)} by ${view.createdBy}`],
  ]);
  return [fields, '', ...document.edges.map(({ from, to }) => `  ${from} -> ${to}`)].join('\n');
}
