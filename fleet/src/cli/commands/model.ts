import { api, type ModelView } from '@starling/shared';
import type { Command } from 'commander';
import { type ContextOf, collect, examples } from '../options.ts';
import type { Output } from '../output.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatBytes, formatTime, shortDigest } from '../printable.ts';
import { findModel } from '../references.ts';
import { formatFields } from '../table.ts';
import { pushModel } from './model-push.ts';
import { waitForBuilds } from './wait-for-builds.ts';

export function defineModelCommands(program: Command, contextOf: ContextOf): void {
  const model = program
    .command('model')
    .summary('model versions and their artefacts')
    .description('Push, list and inspect model versions.');
  definePush(model, contextOf);
  addPaging(model.command('ls'))
    .summary('list model versions')
    .option('--search <text>', 'part of the name')
    .addHelpText('after', examples(['starling model ls', 'newest first'], ['starling model ls --all --json', 'everything, for scripts']))
    .action(async ({ search }: { search?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listModels, { query: { ...query, ...(search === undefined ? {} : { search }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'VERSION', value: ({ version }) => version },
          { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
          { title: 'SIZE', value: ({ document }) => formatBytes(document.source.sizeBytes), right: true },
          { title: 'ARTEFACTS', value: ({ artefacts }) => artefacts.map(({ precision }) => precision).join(' ') },
          { title: 'BUILDS', value: buildSummary },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ name, version }) => `${name}@${version}`,
        empty: 'no models yet; push one with "starling model push"',
      });
    });
  model
    .command('show')
    .argument('<model>', 'name, name@version, digest or its first characters')
    .summary('one model version, its ports and artefacts')
    .addHelpText(
      'after',
      examples(['starling model show text-detection', 'the newest version'], ['starling model show text-detection@4.0.0', 'this one']),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const view = await findModel((await context.connect()).client, reference);
      context.output.result(
        view,
        () => describeModel(view, context.output),
        () => [view.digest],
      );
    });
  model
    .command('retry')
    .argument('<model>', 'name, name@version, digest or its first characters')
    .summary('run failed builds of a model version again')
    .option('--wait', 'wait until they are over')
    .addHelpText('after', examples(['starling model retry text-detection@4.0.0 --wait', 'build again']))
    .action(async (reference: string, options: { wait?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const found = await findModel(client, reference);
      const over = found.builds.filter(({ state }) => state === 'failed' || state === 'cancelled');
      for (const { id } of over) await client.call(api.retryBuild, { params: { id } });
      const view =
        options.wait === true
          ? await waitForBuilds(context, client, found)
          : await client.call(api.showModel, { params: { digest: found.digest } });
      context.output.result(
        view,
        () => `${over.length} builds of ${view.name}@${view.version} run again`,
        () => [view.digest],
      );
    });
}

function definePush(model: Command, contextOf: ContextOf): void {
  model
    .command('push')
    .argument('<file>', 'ONNX file')
    .summary('upload, sign and register a model version')
    .description(
      'Uploads an ONNX file, lets the fleet read its inputs and outputs, signs the model version with your publisher key and registers it. The fleet then builds its artefacts.',
    )
    .requiredOption('--name <name>', 'name of the model')
    .requiredOption('--version <version>', 'semantic version, e.g. 1.0.0; versions never change')
    .requiredOption('--card <file>', 'model card, YAML or JSON: title, licence, task, description, source, labels, exampleShapes')
    .option('--asset <name=file>', 'a file that the model needs beside its graph, e.g. dictionary=keys.txt; may be repeated', collect)
    .option('--example-shapes <input=1x3x320x320>', 'concrete shape of an input with free dimensions; may be repeated', collect)
    .option('--publisher-key <file>', 'key that signs it (default: keys/publisher.json beside the login)')
    .option('--wait', 'wait until its artefacts are built')
    .addHelpText(
      'after',
      examples([
        'starling model push det.onnx --name text-detection --version 1.0.0 --card card.yaml --example-shapes x=1x3x320x320 --wait',
        'with progress',
      ]),
    )
    .action(async (file: string, _options, command: Command) => {
      const context = contextOf(command);
      const view = await pushModel(context, file, command);
      context.output.result(
        view,
        () => describeModel(view, context.output),
        () => [view.digest],
      );
    });
}

function buildSummary({ builds }: ModelView): string {
  const counts = new Map<string, number>();
  for (const { state } of builds) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function describeModel(view: ModelView, { table }: Output): string {
  const { document } = view;
  const ports = (list: typeof document.inputs): string =>
    list.map(({ name, elementType, shape }) => `${name} ${elementType}[${shape.join(',')}]`).join('  ');
  const fields = formatFields([
    ['model', `${view.name}@${view.version}`],
    ['digest', view.digest],
    ['title', document.card.title],
    ['task', document.card.task],
    ['licence', document.card.licence],
    ['source', `${formatBytes(document.source.sizeBytes)}, opset ${document.opset}`],
    ['inputs', ports(document.inputs)],
    ['outputs', ports(document.outputs)],
    [
      'assets',
      document.assets.length === 0
        ? undefined
        : document.assets.map(({ name, sizeBytes }) => `${name} (${formatBytes(sizeBytes)})`).join(', '),
    ],
    ['builds', buildSummary(view)],
    ['created', `${formatTime(view.createdAtMs)} by ${view.createdBy}`],
  ]);
  const failures = view.builds.flatMap(({ error }) => (error === null ? [] : [`build failed: ${error.message}`]));
  if (view.artefacts.length === 0) return [fields, ...failures].join('\n');
  const artefacts = table(view.artefacts, [
    { title: 'PRECISION', value: ({ precision }) => precision },
    { title: 'OPTIMISATION', value: ({ optimisation }) => optimisation },
    { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), right: true },
    { title: 'RATIO', value: ({ report }) => report.compressionRatio.toFixed(2), right: true },
    { title: 'MAX ERROR', value: ({ report }) => report.maximumError.toExponential(1), right: true },
    { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
  ]);
  return [fields, ...failures, '', artefacts].join('\n');
}
