import { type ModelAsset, type ModelView, recipeLabel } from '@starling/shared';
import type { Output } from './output.ts';
import { formatBytes, formatTime, shortDigest } from './printable.ts';
import { formatFields } from './table.ts';

/** `2 done, 1 failed` */
export function buildSummary({ builds }: ModelView): string {
  const counts = new Map<string, number>();
  for (const { state } of builds) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

export function describeModel(view: ModelView, { table }: Output): string {
  const { document } = view;
  const { card } = document;
  const ports = (list: typeof document.inputs): string =>
    list.map(({ name, elementType, shape }) => `${name} ${elementType}[${shape.join(',')}]`).join('  ');
  const fields = formatFields([
    ['model', `${view.name}@${view.version}`],
    ['digest', view.digest],
    ['title', card.title],
    ['task', card.task],
    ['licence', card.licence],
    ['from', card.origin === undefined ? card.source : originText(card.origin)],
    ['source', `${formatBytes(document.source.sizeBytes)}, opset ${document.opset}`],
    ['inputs', ports(document.inputs)],
    ['outputs', ports(document.outputs)],
    [
      'assets',
      document.assets.length === 0
        ? undefined
        : document.assets.map(({ name, sizeBytes }) => `${name} (${formatBytes(sizeBytes)})`).join(', '),
    ],
    ['calibration', datasetText(document.datasets?.calibration)],
    ['evaluation', datasetText(document.datasets?.evaluation)],
    ['builds', buildSummary(view)],
    ['created', `${formatTime(view.createdAtMs)} by ${view.createdBy}`],
  ]);
  const notes = view.builds.flatMap(({ error, label, state, note }) => {
    if (error !== null) return [`build ${label} ${state}: ${error.message}`];
    return note === null ? [] : [`build ${label}: ${note}`];
  });
  if (view.artefacts.length === 0) return [fields, ...notes].join('\n');
  const artefacts = table(view.artefacts, [
    {
      title: 'RECIPE',
      value: ({ document: { provenance }, optimisation }) => (provenance === undefined ? optimisation : recipeLabel(provenance.recipe)),
    },
    { title: 'PRECISION', value: ({ precision }) => precision },
    { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), right: true },
    { title: 'RATIO', value: ({ report }) => report.compressionRatio.toFixed(2), right: true },
    { title: 'MAX ERROR', value: ({ report }) => report.maximumError.toExponential(1), right: true },
    { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
  ]);
  return [fields, ...notes, '', artefacts].join('\n');
}

function originText({ address, revision, sha256 }: NonNullable<ModelView['document']['card']['origin']>): string {
  return `${address}${revision === undefined ? '' : `@${revision.slice(0, 12)}`}, SHA-256 ${shortDigest(sha256)}`;
}

function datasetText(dataset: ModelAsset | undefined): string | undefined {
  return dataset === undefined ? undefined : `${formatBytes(dataset.sizeBytes)}, SHA-256 ${shortDigest(dataset.digest)}`;
}
