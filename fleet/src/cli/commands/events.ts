import { type FleetEvent, fleetEventSchema, StarlingError } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Connection, Context } from '../context.ts';
import { openStream } from '../open-stream.ts';
import { type ContextOf, collect, examples, numberOption, readOptions } from '../options.ts';
import { formatTime, printable } from '../printable.ts';

const eventType = fleetEventSchema.shape.type;
const eventOptions = z.object({
  type: z.array(z.enum(eventType.options, `use ${eventType.options.join(', ')}`)).optional(),
  count: numberOption().int().min(1).optional(),
});

const PAUSE_MS_MINIMUM = 500;
const PAUSE_MS_MAXIMUM = 15_000;

export function defineEvents(program: Command, contextOf: ContextOf): void {
  program
    .command('events')
    .summary('follow what happens in the fleet, until Ctrl-C')
    .option('--type <type>', `only these: ${eventType.options.join(', ')}; may be repeated`, collect)
    .option('--count <n>', 'end after so many')
    .addHelpText(
      'after',
      examples(
        ['starling events', 'everything'],
        ['starling events --type device --json', 'devices that come and go, a JSON object a line'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { type, count } = readOptions(command, eventOptions);
      const connection = await context.connect();
      let left = count ?? Number.POSITIVE_INFINITY;
      for await (const event of follow(context, connection)) {
        if (type !== undefined && !type.includes(event.type)) continue;
        context.output.line(event, () => describeEvent(event));
        left -= 1;
        if (left <= 0) return;
      }
    });
}

/** Connects again when the stream breaks, a little later each time. Never ends by itself. */
async function* follow({ output, sleep, signal }: Context, connection: Connection): AsyncGenerator<FleetEvent> {
  let pauseMs = PAUSE_MS_MINIMUM;
  for (let first = true; ; first = false) {
    try {
      for await (const data of await openStream(connection, '/events')) {
        pauseMs = PAUSE_MS_MINIMUM;
        const event = fleetEventSchema.safeParse(data).data;
        if (event !== undefined) yield event;
      }
    } catch (error) {
      // A first failure is the person's to know; later ones are the network's.
      const lasting = first || signal.aborted || (error instanceof StarlingError && error.code !== 'unreachable');
      if (lasting) throw error;
    }
    output.notice(`the stream broke off; connecting again in ${pauseMs / 1000} s (what happened in between is not shown)`);
    await sleep(pauseMs);
    pauseMs = Math.min(PAUSE_MS_MAXIMUM, 2 * pauseMs);
  }
}

/** What a device says of itself, as `telemetry` carries it. */
const saidSchema = z.object({ events: z.array(z.object({ level: z.string(), code: z.string(), message: z.string() })) });

function describeEvent({ atMs, type, id, detail }: FleetEvent): string {
  const said = saidSchema.safeParse(detail).data?.events ?? [];
  if (said.length > 0) {
    const lines = said.map(({ level, code, message }) => `${level.padEnd(7)}  ${code}  ${message}`);
    return lines.map((line) => printable(`${formatTime(atMs)}  event      ${id}  ${line}`)).join('\n');
  }
  const parts = Object.entries(detail).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return printable(`${formatTime(atMs)}  ${type.padEnd(9)}  ${id}  ${parts.join(' ')}`.trimEnd());
}
