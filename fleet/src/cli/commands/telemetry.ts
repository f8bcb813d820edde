import { api, type HistoryPoint, historyGroupings, type TelemetryStorage } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import type { Output } from '../output.ts';
import { fetchAll } from '../paging.ts';
import { formatBytes, formatTime } from '../printable.ts';
import { formatFields } from '../table.ts';

const DAY_MS = 86_400_000;
const historyOptions = z.object({
  by: z.enum(historyGroupings).default('fleet'),
  days: numberOption('a number of days').positive().max(3650).default(1),
});

export function defineTelemetryCommands(program: Command, contextOf: ContextOf): void {
  const telemetry = program.command('telemetry').summary('what is kept of telemetry, and what it came to over time');
  telemetry
    .command('storage')
    .summary('sizes, for how long each layer is kept, what went, and what waits')
    .addHelpText('after', examples(['starling telemetry storage', 'a line for each layer']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const storage = await client.call(api.telemetryStorage, {});
      context.output.result(
        storage,
        () => storageText(storage, context.output),
        () => storage.layers.map(({ layer }) => layer),
      );
    });
  telemetry
    .command('history')
    .summary('sums over time, of everything or by release, profile or site')
    .option('--by <what>', `${historyGroupings.join(', ')} (default: fleet)`)
    .option('--days <days>', 'how far back; five minutes a point up to two days, else hours or days (default: 1)')
    .addHelpText(
      'after',
      examples(
        ['starling telemetry history', 'the last day'],
        ['starling telemetry history --by site --days 30 --json >month.json', 'hours of each site'],
      ),
    )
    .action(async (_options, command: Command) => {
      const { by, days } = readOptions(command, historyOptions);
      const context = contextOf(command);
      const { client } = await context.connect();
      const toMs = context.nowMs();
      const fromMs = Math.max(0, Math.floor(toMs - days * DAY_MS));
      const { items: points } = await fetchAll((page) => client.call(api.telemetryHistory, { query: { by, fromMs, toMs, ...page } }));
      context.output.result(
        points,
        () => historyText(points, by, context.output),
        () => points.map(({ atMs }) => formatTime(atMs)),
      );
    });
}

function storageText({ layers, bytes, bytesMaximum, load }: TelemetryStorage, output: Output): string {
  const table = output.table(layers, [
    { title: 'LAYER', value: ({ layer }) => layer },
    { title: 'WHAT', value: ({ describes }) => describes },
    { title: 'KEPT DAYS', value: ({ keepMs }) => Math.round(keepMs / DAY_MS), right: true },
    { title: 'SIZE', value: (layer) => (layer.bytes === null ? null : formatBytes(layer.bytes)), right: true },
    { title: 'SINCE', value: ({ fromMs }) => formatTime(fromMs) },
    { title: 'EXPIRED ROWS', value: ({ expiredRows }) => expiredRows, right: true },
    { title: 'OVER BUDGET', value: ({ overBudgetRows }) => overBudgetRows, right: true },
    { title: 'LOOKED AT', value: ({ passedAtMs }) => formatTime(passedAtMs) },
  ]);
  const refused = load.kinds.map(({ kind, deferredBatches, shedRecords }) =>
    [
      ...(deferredBatches > 0 ? [`${deferredBatches} batches of ${kind} left on devices`] : []),
      ...(shedRecords > 0 ? [`${shedRecords} records of ${kind} let go`] : []),
    ].join(', '),
  );
  const fields = formatFields([
    ['size', `${formatBytes(bytes)}${bytesMaximum === null ? ', no limit' : ` of ${formatBytes(bytesMaximum)}`}`],
    ['waiting', `${load.waitingBatches} batches, ${formatBytes(load.waitingBytes)} of ${formatBytes(load.waitingBytesMaximum)}`],
    ['under load', refused.filter((text) => text !== '').join(', ') || 'nothing was refused since the fleet started'],
    ['invalid', load.invalidRecords === 0 ? undefined : `${load.invalidRecords} records did not match their schema`],
  ]);
  return `${table}\n\n${fields}`;
}

function historyText(points: readonly HistoryPoint[], by: string, output: Output): string {
  if (points.length === 0) return 'nothing was sent in this time';
  return output.table(points, [
    { title: 'FROM', value: ({ atMs }) => formatTime(atMs) },
    ...(by === 'fleet' ? [] : [{ title: by.toUpperCase(), value: ({ group }: HistoryPoint) => (group === '' ? '(none)' : group) }]),
    { title: 'ITEMS', value: ({ items }) => items, right: true },
    { title: 'FAILED', value: ({ failures }) => failures, right: true },
    { title: 'MEAN MS', value: ({ latencyMsMean }) => (latencyMsMean === null ? null : latencyMsMean.toFixed(1)), right: true },
    { title: 'JOULES', value: ({ joules }) => Math.round(joules), right: true },
    { title: 'DRIFTED WINDOWS', value: ({ driftedWindows }) => driftedWindows, right: true },
  ]);
}
