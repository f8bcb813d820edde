import { type ArtefactDetail, api, recipeLabel } from '@starling/shared';
import type { Command } from 'commander';
import { type ContextOf, examples } from '../options.ts';
import type { Output } from '../output.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatBytes, formatTime, shortDigest } from '../printable.ts';
import { findArtefact, findModel } from '../references.ts';
import { formatFields } from '../table.ts';
import { defineArtefactExplain } from './explain.ts';

export function defineArtefactCommands(program: Command, contextOf: ContextOf): void {
  const artefact = program
    .command('artefact')
    .summary('what was built, and what it was made of')
    .description('List and inspect artefacts.');
  addPaging(artefact.command('ls'))
    .summary('list artefacts, newest first')
    .option('--model <model>', 'of this model version: name, name@version or digest')
    .addHelpText('after', examples(['starling artefact ls --model text-detection', 'of its newest version']))
    .action(async ({ model }: { model?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const filter = model === undefined ? {} : { model: (await findModel(client, model)).digest };
      const page = await fetchPages(command, (query) => client.call(api.listArtefacts, { query: { ...query, ...filter } }));
      showPage(context, page, {
        columns: [
          { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
          { title: 'MODEL', value: (item) => `${item.model.name}@${item.model.version}` },
          { title: 'RECIPE', value: ({ document }) => recipeOf(document) },
          { title: 'PRECISION', value: ({ precision }) => precision },
          { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), right: true },
          { title: 'RATIO', value: ({ report }) => report.compressionRatio.toFixed(2), right: true },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ digest }) => digest,
        empty: 'no artefacts; pushing a model builds some',
      });
    });
  defineArtefactExplain(artefact, contextOf);
  artefact
    .command('show')
    .argument('<artefact>', 'digest or its first characters')
    .summary('one artefact with its bill of materials')
    .addHelpText(
      'after',
      examples(
        ['starling artefact show 3fb2a1', 'source, recipe, tools, data sets'],
        ['starling artefact show 3fb2a1 --json', 'for scripts'],
      ),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const detail = await findArtefact((await context.connect()).client, reference);
      context.output.result(
        detail,
        () => describe(detail, context.output),
        () => [detail.digest],
      );
    });
}

function recipeOf({ provenance, optimisation }: ArtefactDetail['document']): string {
  return provenance === undefined ? optimisation : recipeLabel(provenance.recipe);
}

function describe(detail: ArtefactDetail, { table }: Output): string {
  const { document, report, model } = detail;
  const { provenance, needs } = document;
  const { accuracy } = report;
  const fields = formatFields([
    ['artefact', detail.digest],
    ['model', `${model.name}@${model.version}`],
    ['recipe', recipeOf(document)],
    ['precision', detail.precision],
    ['size', `${formatBytes(detail.sizeBytes)}, ${report.compressionRatio.toFixed(2)} of the source`],
    ['largest error', report.maximumError.toExponential(1)],
    [
      'accuracy',
      accuracy === undefined
        ? undefined
        : `${accuracy.metric} ${accuracy.artefact.value} ${accuracy.unit}, the source ${accuracy.source.value}; loses ${accuracy.lossPoints.value} (${accuracy.lossPoints.low} to ${accuracy.lossPoints.high})`,
    ],
    ['runs on', detail.executionProviders.join(', ')],
    ['needs', needs === undefined ? undefined : `opset ${needs.opset}; ${needs.operators.join(', ')}`],
    [
      'tools',
      provenance === undefined
        ? undefined
        : Object.entries(provenance.tools)
            .map((entry) => entry.join(' '))
            .join(', '),
    ],
    ['in float', provenance === undefined || provenance.keptInFloat.length === 0 ? undefined : provenance.keptInFloat.join(', ')],
    ['notes', report.notes?.join('; ')],
    ['built', `${formatTime(provenance?.builtAtMs ?? detail.createdAtMs)} in ${(report.buildMs / 1000).toFixed(1)} s`],
  ]);
  const materials = table(detail.materials, [
    { title: 'MATERIAL', value: ({ role }) => role },
    { title: 'NAME', value: ({ name }) => name },
    { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), right: true },
    { title: 'SHA-256', value: ({ digest }) => digest },
  ]);
  return [fields, '', materials].join('\n');
}
