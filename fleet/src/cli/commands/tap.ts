import { readFile } from 'node:fs/promises';
import {
  api,
  INFER_INPUT_BYTES_MAXIMUM,
  TAP_DURATION_MS_MAXIMUM,
  TAP_VALUE_BYTES_MAXIMUM,
  type TapValueView,
  type TapView,
  tapOptionsSchema,
  tapStreamPath,
  tapValueViewSchema,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Connection, Context } from '../context.ts';
import { describeTapValue } from '../describe-value.ts';
import { requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { openStream } from '../open-stream.ts';
import { type ContextOf, collect, examples, numberOption, readOptions, timeOption } from '../options.ts';
import { findDevice } from '../references.ts';
import { openValueFolder } from '../save-values.ts';

const maximumBytes = numberOption().int().min(1024).max(TAP_VALUE_BYTES_MAXIMUM).optional();
const tapCommandOptions = z.object({
  every: numberOption().int().min(1).max(1_000_000).default(1),
  for: timeOption(TAP_DURATION_MS_MAXIMUM, '10m').default(60_000),
  pipeline: z.string().optional(),
  rate: numberOption().min(0.01).max(30).default(5),
  count: numberOption().int().min(1).optional(),
  maximumBytes,
  save: z.string().optional(),
});
const replayCommandOptions = z.object({
  input: z.string().optional(),
  last: z.boolean().default(false),
  item: z
    .string()
    .regex(/^.*:\d+$/, 'write STREAM:SEQUENCE, as a tap shows them')
    .optional(),
  port: z.string().optional(),
  pipeline: z.string().optional(),
  edge: z.array(z.string()).optional(),
  maximumBytes,
  save: z.string().optional(),
});

/** Looking at the edges of a pipeline while it runs on a device. */
export function defineTapCommands(program: Command, contextOf: ContextOf): void {
  program
    .command('tap')
    .argument('<device>')
    .argument('<edge...>', 'ports of the pipeline that runs, such as decode.image; output.NAME is what gives that output')
    .summary('watch values of edges on a device, as far as its release lets them out')
    .option('--every <n>', 'only every n-th value of each edge (default 1)')
    .option('--for <time>', 'how long, such as 30s or 5m (default 60s, at most 10m)')
    .option('--rate <n>', 'values of each edge in a second (default 5, at most 30)')
    .option('--pipeline <name>', 'which of the pipelines of the release (default: the main one)')
    .option('--count <n>', 'end after so many values')
    .option('--maximum-bytes <n>', 'longest value; a larger one is made smaller (default 65536)')
    .option('--save <folder>', 'write each value into a file: pictures as JPEG, all else as JSON')
    .addHelpText(
      'after',
      examples(
        ['starling tap gate-3 detect.boxes', 'what was found, for a minute'],
        ['starling tap gate-3 decode.image --rate 1 --for 30s --save pictures', 'a picture a second'],
        ['starling tap gate-3 map.y --json --count 1', 'one tensor, as JSON'],
      ),
    )
    .action(async (reference: string, edges: string[], _options, command: Command) => {
      const context = contextOf(command);
      const given = readOptions(command, tapCommandOptions);
      const options = {
        ...{ edges, every: given.every, durationMs: given.for, maximumPerSecond: given.rate },
        ...(given.pipeline === undefined ? {} : { pipeline: given.pipeline }),
        ...(given.maximumBytes === undefined ? {} : { maximumBytes: given.maximumBytes }),
      };
      const checked = tapOptionsSchema.safeParse(options);
      if (!checked.success) throw cliError('usage', checked.error.issues[0]?.message ?? 'invalid', { field: 'edge' });
      const folder = given.save === undefined ? undefined : await openValueFolder(given.save);
      const connection = await context.connect();
      const device = await findDevice(connection.client, reference);
      const tap = await connection.client.call(api.startTap, { params: { id: device.id }, body: checked.data });
      if (tap.at !== tap.device) context.output.notice(`watched on ${tap.at}, which runs this part: only items of ${device.name}`);
      let left = given.count ?? Number.POSITIVE_INFINITY;
      for await (const value of follow(context, connection, tap)) {
        const file = await folder?.save(value);
        context.output.line(value, () => `${describeTapValue(value)}${file === undefined ? '' : `  ${file}`}`);
        left -= 1;
        if (left <= 0) return stop(connection, tap);
      }
    });
  defineReplay(program, contextOf);
}

/** Values until the end, which is told beside them. */
async function* follow({ output }: Context, connection: Connection, tap: TapView): AsyncGenerator<TapValueView> {
  for await (const data of await openStream(connection, tapStreamPath(tap.device, tap.id))) {
    const value = tapValueViewSchema.safeParse(data).data;
    if (value === undefined) continue;
    if (value.end === undefined) {
      yield value;
      continue;
    }
    const { seen, skipped, rate, busy, link } = value.counts;
    const leftOut = [`${skipped} by --every`, `${rate} by --rate`, `${busy} while busy`, `${link + value.lost} lost on the way`];
    output.notice(`${value.end}: ${seen} values were seen, left out: ${leftOut.join(', ')}`);
    return;
  }
}

async function stop({ client }: Connection, { device, id }: TapView): Promise<void> {
  await client.call(api.stopTap, { params: { id: device, tap: id } });
}

function defineReplay(program: Command, contextOf: ContextOf): void {
  program
    .command('replay')
    .argument('<device>')
    .summary('run one item through the pipeline of a device and show the value of every edge that may leave it')
    .option('--input <file>', 'input file, such as a picture')
    .option('--port <name>', 'input of the pipeline that gets it (default: the first)')
    .option('--last', 'the newest item that the device had itself')
    .option('--item <stream:sequence>', 'an item that a tap has shown lately')
    .option('--pipeline <name>', 'which of the pipelines of the release (default: the main one)')
    .option('--edge <port>', 'only this one; may be repeated', collect)
    .option('--maximum-bytes <n>', 'longest value; a larger one is made smaller (default 65536)')
    .option('--save <folder>', 'write each value into a file: pictures as JPEG, all else as JSON')
    .addHelpText(
      'after',
      examples(
        ['starling replay gate-3 --input photo.jpg', 'step by step through the graph'],
        ['starling replay gate-3 --last --save steps', 'what the camera saw last, with every step in a file'],
      ),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, replayCommandOptions);
      const what = await whatToReplay(options);
      const folder = options.save === undefined ? undefined : await openValueFolder(options.save);
      const { client } = await context.connect();
      const { id } = await findDevice(client, reference);
      const query = {
        ...what.query,
        ...(options.pipeline === undefined ? {} : { pipeline: options.pipeline }),
        ...(options.edge === undefined ? {} : { edges: options.edge.join(',') }),
        ...(options.maximumBytes === undefined ? {} : { maximumBytes: options.maximumBytes }),
      };
      const answer = await client.call(api.replayOnDevice, { params: { id }, query, raw: what.raw });
      for (const value of answer.values) await folder?.save(value);
      context.output.result(answer, () => describeReplay(answer));
    });
}

async function whatToReplay({ input, last, item, port }: z.infer<typeof replayCommandOptions>) {
  if ([input !== undefined, last, item !== undefined].filter(Boolean).length !== 1)
    throw cliError('usage', 'say what to replay: --input, --last or --item', { field: '--input' });
  const nothing = new Uint8Array();
  if (last) return { query: { of: 'last' as const }, raw: nothing };
  if (item !== undefined) {
    const at = item.lastIndexOf(':');
    return { query: { of: 'item' as const, stream: item.slice(0, at), sequence: Number(item.slice(at + 1)) }, raw: nothing };
  }
  const file = input ?? '';
  await requireFile(file, 'input', INFER_INPUT_BYTES_MAXIMUM);
  return { query: { of: 'input' as const, ...(port === undefined ? {} : { port }) }, raw: await readFile(file) };
}

function describeReplay({ result, values }: z.infer<typeof api.replayOnDevice.response>): string {
  const byEdge = new Map(values.map((value) => [value.edge ?? '', value]));
  const lines = result.edges.map(({ edge, state }) => {
    const value = byEdge.get(edge);
    if (value !== undefined) return describeTapValue(value).replace(/^.*? {2}/, '');
    return state === 'refused' ? `${edge}  kept on the device by the policy of the release` : `${edge}  nothing`;
  });
  const { failure, latencyMs, pipeline } = result;
  const end = failure === undefined ? `${pipeline}, ${latencyMs.toFixed(1)} ms` : `${pipeline} failed: ${failure.code}: ${failure.message}`;
  return [...lines, '', end].join('\n');
}
