import { api, type BatchTargetView, batchTargetStateSchema, type CommandBatchView, sendableCommandSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { readCommandArguments } from '../command-arguments.ts';
import type { Connection, Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { formatFields } from '../table.ts';

const sendOptions = z.object({
  select: z.string(),
  arguments: z.string().default('{}'),
  maxInFlight: numberOption().int().min(1).max(10_000).default(50),
  stopPercent: numberOption().min(1).max(100).default(20),
  lifeMinutes: numberOption().int().min(1).max(44_640).default(15),
  yes: z.boolean().default(false),
  wait: z.boolean().default(false),
});
const targetOptions = z.object({ state: batchTargetStateSchema.optional() });
const ASK_AGAIN_MS = 1000;

/** Commands for many devices. */
export function defineBatchCommands(commands: Command, contextOf: ContextOf): void {
  commands
    .command('send')
    .argument('<command>', sendableCommandSchema.options.join(', '))
    .summary('send a command to all devices that a selector means, a few at a time')
    .requiredOption('--select <selector>', 'which devices, such as \'site == "north"\'; see "starling group --help"')
    .option('--arguments <json>', 'arguments as a JSON object')
    .option('--max-in-flight <n>', 'connected devices at it at the same time (default 50)')
    .option('--stop-percent <n>', 'of those that answered, failures from which nothing more is sent (default 20, after 5 answers)')
    .option('--life-minutes <n>', 'how long each device has; those that are away get it when they are back (default 15)')
    .option('--yes', 'send it; without this, only how many devices it is for is said')
    .option('--wait', 'follow it to its end; ends with 1 if a device has failed')
    .addHelpText(
      'after',
      examples(
        ['starling command send self-test --select \'site == "north"\'', 'how many devices that would be'],
        ['starling command send self-test --select \'site == "north"\' --yes --wait', 'and how they did'],
      ),
    )
    .action(async (what: string, _options, command: Command) => send(contextOf(command), what, readOptions(command, sendOptions)));
  addPaging(commands.command('batches'))
    .summary('commands for many devices, newest first')
    .addHelpText('after', examples(['starling command batches', 'with how far each is']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      showPage(context, await fetchPages(command, (query) => client.call(api.listCommandBatches, { query })), {
        columns: [
          { title: 'ID', value: ({ id }) => id },
          { title: 'COMMAND', value: ({ name }) => name },
          { title: 'STATE', value: ({ state }) => state },
          { title: 'DEVICES', value: (batch) => wordsOf(batch) },
          { title: 'SELECTOR', value: ({ select }) => select },
          { title: 'BY', value: ({ createdBy }) => createdBy },
          { title: 'AT', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ id }) => id,
        empty: 'none was sent yet',
      });
    });
  defineBatch(commands, contextOf);
}

function defineBatch(commands: Command, contextOf: ContextOf): void {
  addPaging(commands.command('batch'))
    .argument('<id>')
    .summary('one command for many devices: what each has answered')
    .option('--state <state>', `only these devices: ${batchTargetStateSchema.options.join(', ')}`)
    .addHelpText('after', examples(['starling command batch 01jd... --state failed', 'those that failed, and why']))
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { state } = readOptions(command, targetOptions);
      const batch = await client.call(api.showCommandBatch, { params: { id } });
      const page = await fetchPages(command, (query) =>
        client.call(api.listBatchTargets, { params: { id }, query: { ...query, ...(state === undefined ? {} : { state }) } }),
      );
      if (!context.output.json) context.output.notice(describe(batch));
      showPage(context, page, {
        columns: [
          { title: 'DEVICE', value: ({ name }) => name },
          { title: 'STATE', value: ({ state: own }) => own },
          { title: 'ANSWER', value: answerOf },
          { title: 'AT', value: ({ finishedAtMs }) => (finishedAtMs === null ? null : formatTime(finishedAtMs)) },
        ],
        name: ({ device }) => device,
        empty: 'no device is in this state',
      });
    });
  commands
    .command('batch-cancel')
    .argument('<id>')
    .summary('send it to nobody more, and end it where it is open')
    .addHelpText('after', examples(['starling command batch-cancel 01jd...', 'what was answered stays']))
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const batch = await client.call(api.cancelCommandBatch, { params: { id } });
      context.output.result(batch, () => describe(batch));
    });
}

async function send(context: Context, what: string, options: z.infer<typeof sendOptions>): Promise<void> {
  const name = sendableCommandSchema.safeParse(what);
  if (!name.success)
    throw cliError('usage', `there is no command "${what}"`, {
      field: 'command',
      hint: `use ${sendableCommandSchema.options.join(', ')}`,
    });
  const given = readCommandArguments(name.data, options.arguments);
  const { output } = context;
  const connection = await context.connect();
  const { select, maxInFlight, lifeMinutes, stopPercent } = options;
  if (!options.yes) {
    const { problem, devices, online } = await connection.client.call(api.checkSelector, { body: { select } });
    if (problem !== null)
      throw cliError('usage', problem.message, { field: '--select', ...(problem.hint === undefined ? {} : { hint: problem.hint }) });
    output.result({ devices, online, sent: false }, () => `${devices} devices, ${online} of them connected; send it with --yes`);
    return;
  }
  const batch = await connection.client.call(api.createCommandBatch, {
    body: { name: name.data, arguments: given, select, maxInFlight, lifeMinutes, stopAfter: { percent: stopPercent } },
  });
  const ended = options.wait ? await follow(context, connection, batch) : batch;
  output.result(ended, () => describe(ended));
  const { failed = 0, expired = 0 } = ended.counts;
  if (options.wait && failed + expired > 0)
    throw cliError('device-failed', `${failed + expired} devices have not done it`, {
      hint: `see "starling command batch ${ended.id} --state failed"`,
    });
}

async function follow({ output, sleep }: Context, { client }: Connection, batch: CommandBatchView): Promise<CommandBatchView> {
  const progress = output.progress(`${batch.name} on ${batch.total} devices`);
  for (let now = batch; ; now = await client.call(api.showCommandBatch, { params: { id: batch.id } })) {
    const { done = 0, failed = 0, expired = 0, cancelled = 0 } = now.counts;
    progress.update((done + failed + expired + cancelled) / Math.max(1, now.total), wordsOf(now));
    if (now.state !== 'running') {
      progress.done(wordsOf(now));
      return now;
    }
    await sleep(ASK_AGAIN_MS);
  }
}

/** `12 done, 1 failed, 3 waiting` */
function wordsOf({ counts, total }: Pick<CommandBatchView, 'counts' | 'total'>): string {
  const parts = batchTargetStateSchema.options.flatMap((state) => ((counts[state] ?? 0) === 0 ? [] : [`${counts[state]} ${state}`]));
  return parts.length === 0 ? `${total}` : parts.join(', ');
}

function describe(batch: CommandBatchView): string {
  return formatFields([
    ['id', batch.id],
    ['command', batch.name],
    ['state', batch.reason === null ? batch.state : `${batch.state}: ${batch.reason}`],
    ['devices', wordsOf(batch)],
    ['selector', batch.select],
  ]);
}

function answerOf({ error, result }: BatchTargetView): string | null {
  if (error !== null) return `${error.code}: ${error.message}`;
  return result === null || Object.keys(result).length === 0 ? null : JSON.stringify(result);
}
