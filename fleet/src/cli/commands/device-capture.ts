import {
  api,
  CAPTURE_DURATION_MS_MAXIMUM,
  type CaptureManifest,
  captureArchivePath,
  captureArgumentsSchema,
  commandTable,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Connection, Context } from '../context.ts';
import { downloadFile } from '../download-file.ts';
import { cliError } from '../errors.ts';
import { followCommand } from '../follow-command.ts';
import { type ContextOf, examples, numberOption, readOptions, timeOption } from '../options.ts';
import { findDevice } from '../references.ts';
import { requireReachable, sendAndWait } from './device-command.ts';

const captureOptions = z.object({
  items: numberOption().optional(),
  bytes: numberOption().optional(),
  for: timeOption(CAPTURE_DURATION_MS_MAXIMUM, '24h').optional(),
  every: numberOption().optional(),
  rate: numberOption().optional(),
  pipeline: z.string().optional(),
  maximumBytes: numberOption().optional(),
  output: z.string().optional(),
  wait: z.boolean().default(true),
});
const fileOptions = z.object({ output: z.string().optional() });
/** Beyond the time of the capture itself: to begin, and to upload it. */
const GRACE_MS = 30 * 60_000;

/** Values of edges, kept by a device and uploaded. */
export function defineDeviceCaptureCommands(device: Command, contextOf: ContextOf): void {
  device
    .command('capture')
    .argument('<device>')
    .argument('<edge...>', 'ports of the pipeline that runs, such as decode.image; output.NAME is what gives that output')
    .summary('keep values of edges on a device and fetch them as one file, where its release allows captures')
    .option('--items <n>', 'end after so many values (default 100, at most 10000)')
    .option('--bytes <n>', 'end when they take so many bytes on the device (default 4194304, at most 16711680)')
    .option('--for <time>', 'end after this time, such as 30s, 5m or 2h (default 60s, at most 24h)')
    .option('--every <n>', 'only every n-th value of each edge (default 1)')
    .option('--rate <n>', 'values of each edge in a second (default 5, at most 30)')
    .option('--pipeline <name>', 'which of the pipelines of the release (default: the main one)')
    .option('--maximum-bytes <n>', 'longest value; a larger one is made smaller (default 262144)')
    .option('--output <file>', 'where to write it (default: capture-<command>.zip)')
    .option('--no-wait', 'only start it; fetch it later with "device capture-file"')
    .addHelpText(
      'after',
      examples(
        ['starling device capture gate-3 decode.image --items 50 --every 30', 'every 30th picture, 50 of them, in a zip'],
        ['starling device capture gate-3 decode.image detect.boxes --for 8h --rate 0.1 --no-wait', 'a night, one in ten seconds'],
      ),
    )
    .action(async (reference: string, edges: string[], _options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, captureOptions);
      const asked = readAsked(edges, options);
      const connection = await context.connect();
      const found = await findDevice(connection.client, reference);
      requireReachable(found);
      const body = { name: 'capture' as const, arguments: asked, waitMs: 0 };
      const sent = await connection.client.call(api.commandDevice, { params: { id: found.id }, body });
      if (!options.wait) {
        const hint = `fetch it with "starling device capture-file ${sent.id}"`;
        return context.output.result({ command: sent.id }, () => `${found.name} captures, as command ${sent.id}; ${hint}`);
      }
      context.output.notice(`command ${sent.id}: it goes on if you stop waiting`);
      await followCommand(context, connection.client, sent.id, `${found.name} captures`, asked.durationMs + GRACE_MS);
      await fetchCapture(context, connection, sent.id, options.output);
    });
  device
    .command('capture-stop')
    .argument('<device>')
    .argument('<command>', 'id of the capture')
    .summary('end a capture before its time, with what it has kept')
    .addHelpText('after', examples(['starling device capture-stop gate-3 01jd...', 'what it has is uploaded']))
    .action(async (reference: string, capture: string, _options, command: Command) => {
      const context = contextOf(command);
      const { view, device: name } = await sendAndWait(context, reference, 'capture-stop', { capture });
      const told = commandTable['capture-stop'].result.parse(view.result);
      context.output.result(told, () =>
        told.stopped
          ? `${name} uploads what it has; fetch it with "starling device capture-file ${capture}"`
          : `${name}: it had ended, or never came`,
      );
    });
  device
    .command('capture-file')
    .argument('<command>', 'id of the capture')
    .summary('fetch what a capture has brought, as a zip')
    .option('--output <file>', 'where to write it (default: capture-<command>.zip)')
    .addHelpText('after', examples(['starling device capture-file 01jd...', 'manifest.json, items.jsonl, and a file a value']))
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      await fetchCapture(context, await context.connect(), id, readOptions(command, fileOptions).output);
    });
}

/** @throws StarlingError `usage` that names the flag */
function readAsked(edges: string[], options: z.infer<typeof captureOptions>) {
  const { items, bytes, for: durationMs, every, rate, pipeline, maximumBytes } = options;
  const given = { edges, items, fileBytes: bytes, durationMs, every, maximumPerSecond: rate, pipeline, maximumBytes };
  const checked = captureArgumentsSchema.safeParse(given);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const flags: Readonly<Record<string, string>> = { fileBytes: '--bytes', maximumPerSecond: '--rate', maximumBytes: '--maximum-bytes' };
  const part = String(issue?.path[0] ?? 'edge');
  throw cliError('usage', issue?.message ?? 'invalid', { field: part === 'edges' ? 'edge' : (flags[part] ?? `--${part}`) });
}

async function fetchCapture(context: Context, connection: Connection, id: string, output: string | undefined): Promise<void> {
  const { manifest } = await connection.client.call(api.showCapture, { params: { id } });
  const { file, sizeBytes } = await downloadFile(context, connection, captureArchivePath(id), {
    file: output,
    fallback: `capture-${id}.zip`,
  });
  context.output.result({ file, sizeBytes, command: id, manifest }, () => describe(manifest, file));
}

function describe({ items, end, interruptions, counts }: CaptureManifest, file: string): string {
  const { seen, skipped, rate, busy, disk } = counts;
  const leftOut = [`${skipped} by --every`, `${rate} by --rate`, `${busy} while busy`, `${disk} for the disk`];
  const broken = interruptions === 0 ? '' : `, taken up again ${interruptions} times`;
  return `${items} values in ${file} (${end}${broken}); ${seen} were seen, left out: ${leftOut.join(', ')}`;
}
