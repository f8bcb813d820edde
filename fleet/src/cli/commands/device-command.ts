import { readFile, writeFile } from 'node:fs/promises';
import {
  api,
  type CommandView,
  commandTable,
  type DeviceView,
  INFER_INPUT_BYTES_MAXIMUM,
  type InferenceResult,
  readableLine,
  readingSchema,
  StarlingError,
  sendableCommandSchema,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { readCommandArguments, type Sendable } from '../command-arguments.ts';
import type { Context } from '../context.ts';
import { requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import type { Output } from '../output.ts';
import { printable } from '../printable.ts';
import { findDevice } from '../references.ts';

const logsOptions = z.object({ lines: numberOption().int().min(1).max(500).default(100) });
const diagnosticsOptions = z.object({ lines: numberOption().int().min(1).max(1000).default(1000), output: z.string().optional() });
const sendOptions = z.object({ arguments: z.string().default('{}') });
const WAIT_MS = 30_000;

/** What a person asks a device to do now. */
export function defineDeviceCommandCommands(device: Command, contextOf: ContextOf): void {
  device
    .command('infer')
    .argument('<device>')
    .argument('<image>', 'image file')
    .summary('run an image through the pipeline of a device')
    .addHelpText(
      'after',
      examples(
        ['starling device infer gate-3 photo.jpg', 'texts and boxes'],
        ['starling device infer gate-3 photo.jpg --json', 'every output'],
      ),
    )
    .action(async (reference: string, image: string, _options, command: Command) => {
      const context = contextOf(command);
      await requireFile(image, 'image', INFER_INPUT_BYTES_MAXIMUM);
      const { client } = await context.connect();
      const { id, name } = await findDevice(client, reference);
      const progress = context.output.progress(`${name} infers`);
      try {
        const answer = await client.call(api.inferOnDevice, { params: { id }, raw: await readFile(image) });
        progress.done(`${answer.result.latencyMs.toFixed(0)} ms`);
        context.output.result(answer, () => describeResult(answer.result, context.output));
      } catch (error) {
        progress.failed();
        throw error;
      }
    });
  device
    .command('logs')
    .argument('<device>')
    .summary('the newest lines of its agent')
    .option('--lines <n>', 'how many (default 100, at most 500)')
    .addHelpText('after', examples(['starling device logs gate-3 --lines 20', 'the last 20']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { lines } = readOptions(command, logsOptions);
      const { result } = (await sendAndWait(context, reference, 'logs', { lineCount: lines })).view;
      const read = commandTable.logs.result.parse(result);
      context.output.result(read, () => read.lines.map((line) => printable(readableLine(line))).join('\n'));
    });
  defineDiagnostics(device, contextOf);
  definePingAndSend(device, contextOf);
}

function defineDiagnostics(device: Command, contextOf: ContextOf): void {
  device
    .command('diagnostics')
    .argument('<device>')
    .summary('everything that helps to find the cause of a trouble, in one document')
    .option('--lines <n>', 'lines of the log (default 1000)')
    .option('--output <file>', 'where to write it (default: <device>-diagnostics.json)')
    .addHelpText('after', examples(['starling device diagnostics gate-3', 'into gate-3-diagnostics.json']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { lines, output } = readOptions(command, diagnosticsOptions);
      const progress = context.output.progress(`${reference} gathers and uploads`);
      const { view, device: name } = await sendAndWait(context, reference, 'diagnostics', { lineCount: lines }).catch((error: unknown) => {
        progress.failed();
        throw error;
      });
      const { client } = await context.connect();
      const found = await client.call(api.showDiagnostics, { params: { id: view.id } });
      const file = output ?? `${name.replaceAll(/[^A-Za-z0-9_.-]/g, '-')}-diagnostics.json`;
      await writeFile(file, `${JSON.stringify(found, undefined, 2)}\n`);
      progress.done(`${found.log.length} lines of log`);
      context.output.result({ file, command: view.id, diagnostics: found }, () => `written to ${file}`);
    });
}

function definePingAndSend(device: Command, contextOf: ContextOf): void {
  device
    .command('ping')
    .argument('<device>')
    .summary('does it answer, and how fast')
    .addHelpText('after', examples(['starling device ping gate-3', 'round trip over the broker']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { device: name, view } = await sendAndWait(context, reference, 'ping', {});
      const { result, issuedAtMs, finishedAtMs } = view;
      const pong = commandTable.ping.result.parse(result);
      const roundTripMs = (finishedAtMs ?? issuedAtMs) - issuedAtMs;
      context.output.result(
        { ...pong, roundTripMs },
        () => `${name}: ${roundTripMs} ms, agent ${pong.agentVersion}, up ${Math.round(pong.uptimeMs / 1000)} s`,
      );
    });
  device
    .command('send')
    .argument('<device>')
    .argument('<command>', sendableCommandSchema.options.join(', '))
    .summary('send any command and print its result')
    .option('--arguments <json>', 'arguments as a JSON object')
    .addHelpText(
      'after',
      examples(
        ['starling device send gate-3 self-test', 'replay the golden inputs'],
        ['starling device send gate-3 benchmark --arguments \'{"runs":50}\'', 'time its models'],
      ),
    )
    .action(async (reference: string, what: string, _options, command: Command) => {
      const context = contextOf(command);
      const name = sendableCommandSchema.safeParse(what);
      if (!name.success)
        throw cliError('usage', `there is no command "${what}"`, {
          field: 'command',
          hint: `use ${sendableCommandSchema.options.join(', ')}`,
        });
      const given = readCommandArguments(name.data, readOptions(command, sendOptions).arguments);
      const { result } = (await sendAndWait(context, reference, name.data, given)).view;
      context.output.result(result, () => JSON.stringify(result, undefined, 2));
    });
}

interface Answered {
  view: CommandView;
  /** Its name. */
  device: string;
}

/** Sends a command and waits for its end. @throws StarlingError of the device, or `timed-out` */
export async function sendAndWait(context: Context, reference: string, name: Sendable, given: Record<string, unknown>): Promise<Answered> {
  const { client } = await context.connect();
  const device = await findDevice(client, reference);
  requireReachable(device);
  const view = await client.call(api.commandDevice, { params: { id: device.id }, body: { name, arguments: given, waitMs: WAIT_MS } });
  if (view.error !== null) {
    const { code, message, field, hint } = view.error;
    throw new StarlingError(code, message, { ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) });
  }
  if (view.status !== 'done') {
    throw cliError('timed-out', `${device.name} has not answered within ${WAIT_MS / 1000} s (${view.status})`, {
      field: 'device',
      hint: 'is it overloaded? see "starling device show"',
    });
  }
  return { view, device: device.name };
}

/** Said at once, instead of after a wait for an answer that cannot come. */
export function requireReachable({ name, id, status, online }: DeviceView): void {
  if (status !== 'active') {
    const hint = status === 'pending' ? `let it in with "starling device approve ${id}"` : 'it has to enrol again, with a new key';
    throw new StarlingError(`device-${status}`, `${name} is ${status}`, { field: 'device', hint });
  }
  if (!online)
    throw new StarlingError('device-offline', `${name} is not connected`, {
      field: 'device',
      hint: 'wait until it is online',
      retryable: true,
    });
}

function describeResult({ outputs, latencyMs, image, pipeline }: InferenceResult, { table }: Pick<Output, 'table'>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(outputs)) {
    const readings = z.array(readingSchema).safeParse(value);
    if (!readings.success) parts.push(`${name}: ${JSON.stringify(value)}`);
    else if (readings.data.length === 0) parts.push(`${name}: nothing found`);
    else {
      parts.push(
        table(readings.data, [
          { title: 'TEXT', value: ({ text }) => text },
          { title: 'CONFIDENCE', value: ({ confidence }) => confidence.toFixed(3), right: true },
          { title: 'BOX', value: ({ quad }) => quad.map(([x, y]) => `${Math.round(x)},${Math.round(y)}`).join(' ') },
        ]),
      );
    }
  }
  const size = image === undefined ? '' : ` of ${image.width}x${image.height} pixels`;
  return [
    ...(parts.length === 0
      ? ['nothing came out: the pipeline gave nothing for this input, or the release lets no output leave the device (see --allow-output)']
      : parts),
    '',
    `${printable(pipeline)}, ${latencyMs.toFixed(1)} ms${size}`,
  ].join('\n');
}
