import { api, commandTable, type MeasuredArtefact, type ModelView, StarlingError } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { followCommand } from '../follow-command.ts';
import { type ContextOf, collect, examples, numberOption, readOptions, wordsSchema } from '../options.ts';
import type { Output } from '../output.ts';
import { shortDigest } from '../printable.ts';
import { findDevice, findModel } from '../references.ts';
import { defineBenchmarkPlan } from './benchmark-plan.ts';
import { defineBenchmarkRequest } from './benchmark-request.ts';

const benchmarkOptions = z.object({
  artefact: wordsSchema,
  runs: numberOption().int().min(1).max(2000).default(20),
  share: numberOption().min(1).max(100).default(50),
  timeout: numberOption('seconds').positive().max(7200).default(1800),
});
/** Artefacts that one command takes. */
const AT_ONCE = 16;

/** `benchmark DEVICE MODEL`: times a model's artefacts on a device. */
export function defineBenchmark(program: Command, contextOf: ContextOf): void {
  const benchmark = program.command('benchmark');
  defineBenchmarkPlan(benchmark, contextOf);
  defineBenchmarkRequest(benchmark, contextOf);
  benchmark
    .argument('<device>')
    .argument('<model>', 'name, name@version or digest')
    .summary('measure the artefacts of a model on a device: latency, memory, energy')
    .option('--artefact <digest>', 'only this one, by its digest or its first characters; may be repeated', collect)
    .option('--runs <n>', 'runs of each (default 20)')
    .option('--share <percent>', 'share of the processor that measuring may take (default 50)')
    .option('--timeout <seconds>', 'how long to wait (default 1800)')
    .addHelpText(
      'after',
      examples(['starling benchmark gate-3 text-detection', 'all its artefacts; what runs there is not disturbed beyond the share']),
    )
    .action(async (reference: string, modelReference: string, _options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, benchmarkOptions);
      const { client } = await context.connect();
      const device = await findDevice(client, reference);
      const model = await findModel(client, modelReference);
      const artefacts = pickArtefacts(model, options.artefact).map((artefact) => ({ artefact, modelVersion: model.digest }));
      const { runs, share } = options;
      const body = { name: 'benchmark' as const, arguments: { artefacts, runs, maximumLoadShare: share / 100 }, waitMs: 0 };
      const sent = await client.call(api.commandDevice, { params: { id: device.id }, body });
      const view = await followCommand(context, client, sent.id, `${device.name} measures`, options.timeout * 1000);
      const result = commandTable.benchmark.result.parse(view.result);
      context.output.result(result, () => describeResult(result.artefacts, model, context.output));
    });
}

/** @throws StarlingError `not-found` */
function pickArtefacts({ artefacts }: ModelView, wanted: string[] | undefined): string[] {
  const digests = artefacts.map(({ digest }) => digest);
  if (wanted === undefined) return digests.slice(0, AT_ONCE);
  return wanted.map((start) => {
    const found = digests.find((digest) => digest.startsWith(start));
    if (found !== undefined) return found;
    throw new StarlingError('not-found', `the model has no artefact ${start}`, { field: '--artefact', hint: 'see "starling model show"' });
  });
}

function describeResult(measured: readonly MeasuredArtefact[], { artefacts }: ModelView, output: Output): string {
  const kindOf = (digest: string): string => artefacts.find((each) => each.digest === digest)?.optimisation ?? '';
  return output.table(measured, [
    { title: 'ARTEFACT', value: ({ artefact }) => shortDigest(artefact) },
    { title: 'KIND', value: ({ artefact }) => kindOf(artefact) },
    { title: 'PROVIDER', value: ({ record }) => record?.provider ?? '-' },
    { title: 'MEDIAN', value: ({ record }) => (record === undefined ? '-' : `${record.latencyMs.median.toFixed(2)} ms`), right: true },
    { title: 'P95', value: ({ record }) => (record === undefined ? '-' : `${record.latencyMs.p95.toFixed(2)} ms`), right: true },
    { title: 'LOAD', value: ({ record }) => (record === undefined ? '-' : `${record.loadMs.toFixed(0)} ms`), right: true },
    { title: 'MEMORY', value: ({ record }) => megabytes(record?.peakMemoryBytes), right: true },
    { title: 'ENERGY', value: ({ record }) => energyText(record), right: true },
    { title: 'NOTE', value: ({ error }) => error?.message ?? '' },
  ]);
}

function megabytes(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? '-' : `${(bytes / 1e6).toFixed(0)} MB`;
}

function energyText(record: MeasuredArtefact['record']): string {
  if (record === undefined || record.joulesPerInference === null) return '-';
  return `${(record.joulesPerInference * 1000).toFixed(1)} mJ${record.energyMethod === 'modelled' ? ' (modelled)' : ''}`;
}
