import { api, type MeasurePlanItem, type MeasuringSettings } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, type Page, showPage } from '../paging.ts';
import { formatBytes, shortDigest } from '../printable.ts';
import { findModel } from '../references.ts';

const planOptions = z.object({ model: z.string().optional() });

const columns = [
  { title: 'PROFILE', value: ({ profile }: MeasurePlanItem) => profile },
  { title: 'MODEL', value: ({ model }: MeasurePlanItem) => `${model.name}@${model.version}` },
  { title: 'ARTEFACT', value: ({ artefact }: MeasurePlanItem) => shortDigest(artefact) },
  { title: 'KIND', value: ({ recipe }: MeasurePlanItem) => recipe },
  { title: 'SIZE', value: ({ sizeBytes }: MeasurePlanItem) => formatBytes(sizeBytes), right: true },
  { title: 'STATE', value: ({ state }: MeasurePlanItem) => state },
  { title: 'DEVICES', value: ({ devices }: MeasurePlanItem) => devices.map(({ name }) => name).join(', ') || '-' },
  { title: 'FOR', value: ({ requestedBy }: MeasurePlanItem) => requestedBy ?? 'what runs' },
  { title: 'WHY', value: ({ why }: MeasurePlanItem) => why },
];

/** `benchmark plan`: what the fleet has devices measure by itself. */
export function defineBenchmarkPlan(benchmark: Command, contextOf: ContextOf): void {
  addPaging(benchmark.command('plan'))
    .summary('what the fleet has devices measure by itself: now, next, and what waits, with the reason')
    .option('--model <model>', 'of this model version: name, name@version or digest')
    .addHelpText(
      'after',
      examples(['starling benchmark plan', 'the whole fleet'], ['starling benchmark plan --model text-detection --json', 'for scripts']),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { model } = readOptions(command, planOptions);
      const { client } = await context.connect();
      const filter = model === undefined ? {} : { model: (await findModel(client, model)).digest };
      let settings: MeasuringSettings | undefined;
      const page = await fetchPages(command, async (query): Promise<Page<MeasurePlanItem>> => {
        const answer = await client.call(api.measurePlan, { query: { ...query, ...filter } });
        settings = answer.settings;
        return answer;
      });
      showPage(context, page, { columns, name: ({ artefact }) => artefact, empty: emptyText(settings) });
    });
}

function emptyText(settings: MeasuringSettings | undefined): string {
  return settings?.devicesPerProfile === 0
    ? 'this fleet measures nothing by itself (measureDevicesPerProfile is 0); use "starling benchmark request MODEL"'
    : 'nothing is left to measure: every profile has figures of all that its devices run';
}
