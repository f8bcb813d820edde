import { type ArtefactChoice, api, artefactKind, type ChoiceFigure } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { objectiveText } from '../objective-options.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import type { Output } from '../output.ts';
import { shortDigest } from '../printable.ts';
import { findDevice } from '../references.ts';
import { formatFields } from '../table.ts';

const explainOptions = z.object({ release: z.string().optional() });

/** `artefact explain`: every candidate with its figures and its verdict. */
export function defineArtefactExplain(artefact: Command, contextOf: ContextOf): void {
  artefact
    .command('explain')
    .argument('<device>')
    .argument('<model>', 'name of a model of its release')
    .summary('which artefact a device gets, why, and what was wrong with the others')
    .option('--release <name>', 'another release than the one of the device')
    .addHelpText('after', examples(['starling artefact explain gate-3 text-detection', 'every candidate with its figures']))
    .action(async (reference: string, model: string, _options, command: Command) => {
      const context = contextOf(command);
      const { release } = readOptions(command, explainOptions);
      const { client } = await context.connect();
      const { id, name } = await findDevice(client, reference);
      const answer = await client.call(api.explainChoice, { params: { id, model }, query: release === undefined ? {} : { release } });
      context.output.result(
        answer,
        () => describeChoice(name, model, answer, context.output),
        () => [answer.choice.artefact],
      );
    });
}

function describeChoice(
  device: string,
  model: string,
  { choice, current }: { choice: ArtefactChoice; current: string | null },
  output: Output,
): string {
  const head = formatFields([
    ['device', device],
    ['model', model],
    ['objective', choice.objective === undefined ? undefined : objectiveText(choice.objective)],
    ['chosen', shortDigest(choice.artefact)],
    ['runs now', current === null ? 'nothing' : current === choice.artefact ? 'the same' : shortDigest(current)],
    ['because', choice.reason],
  ]);
  const table = output.table(choice.candidates, [
    { title: 'ARTEFACT', value: ({ artefact, chosen }) => `${chosen ? '*' : ' '} ${shortDigest(artefact)}` },
    { title: 'KIND', value: (candidate) => artefactKind(candidate) },
    { title: 'SIZE', value: ({ sizeBytes }) => `${(sizeBytes / 1e6).toFixed(2)} MB`, right: true },
    { title: 'MEDIAN', value: ({ figures }) => figureText(figures?.latencyMs, (value) => `${value.toFixed(1)} ms`), right: true },
    { title: 'P95', value: ({ figures }) => figureText(figures?.latencyMsP95, (value) => `${value.toFixed(1)} ms`), right: true },
    {
      title: 'ENERGY',
      value: ({ figures }) => figureText(figures?.joulesPerInference, (value) => `${(value * 1000).toFixed(1)} mJ`),
      right: true,
    },
    { title: 'MEMORY', value: ({ figures }) => figureText(figures?.memoryBytes, (value) => `${(value / 1e6).toFixed(0)} MB`), right: true },
    { title: 'LOSS', value: ({ figures }) => lossText(figures?.accuracyLossPoints), right: true },
    { title: 'VERDICT', value: ({ verdict }) => verdict },
  ]);
  return `${head}\n\n${table}\n\n${legend(choice)}`;
}

/** What the marks of the figures mean, and what the estimates rest on. */
function legend({ candidates }: ArtefactChoice): string {
  const basis = candidates.map(({ figures }) => figures?.estimatedFrom).find((from) => from !== undefined);
  const measured = candidates.find(({ artefact }) => artefact === basis?.artefact);
  const from =
    measured === undefined
      ? ''
      : `, scaled from ${shortDigest(measured.artefact)} as measured ${basis?.origin === 'profile' ? 'on its profile' : 'on this device'}`;
  return `~ not measured: an estimate${from}; ' measured on others of its profile`;
}

function figureText(figure: ChoiceFigure | null | undefined, text: (value: number) => string): string {
  if (figure === null || figure === undefined) return '-';
  const mark = { 'this-device': '', profile: "'", estimate: '~' }[figure.origin];
  return `${text(figure.value)}${mark}`;
}

function lossText(points: number | null | undefined): string {
  return points === null || points === undefined ? '-' : points.toFixed(2);
}
