import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { api, type DeviceImport, messageOf } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { openDownload } from '../open-stream.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { printable } from '../printable.ts';

const exportOptions = z.object({ select: z.string().optional(), output: z.string().optional() });
const importOptions = z.object({
  skipBad: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  yes: z.boolean().default(false),
});
/** As many as the fleet takes. */
const FILE_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** Names and labels of many devices as a table that other programs read. */
export function defineDeviceBulk(device: Command, contextOf: ContextOf): void {
  device
    .command('export')
    .summary('names and labels of devices as CSV')
    .option('--select <selector>', 'devices that a selector means (default: all)')
    .option('--output <file>', 'file to write (default: standard output)')
    .addHelpText(
      'after',
      examples(
        ['starling device export >devices.csv', 'all devices'],
        [`starling device export --select 'site == "north"' --output north.csv`, 'those of a site'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { select, output } = readOptions(command, exportOptions);
      const path = `/devices.csv${select === undefined ? '' : `?select=${encodeURIComponent(select)}`}`;
      const { stream } = await openDownload(await context.connect(), path);
      if (output === undefined) {
        for await (const piece of stream.setEncoding('utf8')) context.output.raw(String(piece));
        return;
      }
      await pipeline(stream, createWriteStream(output)).catch((cause: unknown) => {
        throw cliError('bad-file', `${output} cannot be written: ${messageOf(cause)}`, { field: '--output', cause });
      });
      context.output.notice(`written to ${output}`);
    });
  device
    .command('import')
    .argument('<file>', 'CSV with the columns id, name and labels.<name>')
    .summary('change names and labels by a CSV file')
    .description(
      'An empty cell of a label takes it away, an empty name keeps the name, labels without a column stay.\n' +
        'Bad lines are told by their numbers; unless they are skipped, nothing is changed then.',
    )
    .option('--dry-run', 'say what would change')
    .option('--skip-bad', 'take the good lines though others are bad')
    .option('--yes', 'without asking')
    .addHelpText('after', examples(['starling device import devices.csv', 'says how many change, and asks']))
    .action(async (file: string, _options, command: Command) => {
      const context = contextOf(command);
      await importFile(context, file, readOptions(command, importOptions));
    });
}

async function importFile(context: Context, file: string, { dryRun, skipBad, yes }: z.infer<typeof importOptions>): Promise<void> {
  const sizeBytes = await requireFile(file, 'file', FILE_BYTES_MAXIMUM);
  const { transport, clientOver } = await context.connect();
  const send = (dry: boolean): Promise<DeviceImport> =>
    clientOver(transport.sendFile(file, sizeBytes, () => undefined)).call(api.importDevices, {
      query: { dryRun: String(dry), skipBad: String(skipBad) },
      // The body is the file; this says that there is one.
      raw: new Uint8Array(),
      contentType: 'text/csv',
    });
  const planned = await send(true);
  tellProblems(context, planned);
  if (planned.bad > 0 && !skipBad && !dryRun) {
    throw cliError('bad-file', `${planned.bad} of ${planned.rows} lines of ${file} are bad; nothing was changed`, {
      field: 'file',
      hint: 'correct them, or take the others with --skip-bad',
    });
  }
  const apply = !dryRun && planned.changing > 0;
  if (apply) await context.prompt.confirm(`change ${planned.changing} devices?`, { yes });
  const done = apply ? await send(false) : planned;
  context.output.result(
    done,
    () => `${done.changing} of ${done.rows} devices ${done.applied ? 'were changed' : dryRun ? 'would change' : 'change: nothing to do'}`,
    () => [`${done.changing}`],
  );
}

function tellProblems({ output }: Context, { problems, bad }: DeviceImport): void {
  for (const { line, column, message, hint } of problems) {
    output.warn(printable(`line ${line}${column === undefined ? '' : `, ${column}`}: ${message}${hint === undefined ? '' : ` (${hint})`}`));
  }
  if (bad > problems.length) output.warn(`and ${bad - problems.length} more`);
}
