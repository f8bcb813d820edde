import { api, type CommandView, commandViewSchema, nearestName, sendableCommandSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { findDevice } from '../references.ts';
import { defineBatchCommands } from './command-batch.ts';

/** What was asked of devices, and what came of it. */
export function defineCommandCommands(program: Command, contextOf: ContextOf): void {
  const commands = program.command('command').summary('what devices were told to do, and what came of it');
  defineBatchCommands(commands, contextOf);
  addPaging(commands.command('ls'))
    .argument('<device>')
    .summary('commands of a device, newest first')
    .addHelpText('after', examples(['starling command ls gate-3', 'the last 50']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { id } = await findDevice(client, reference);
      const page = await fetchPages(command, (query) => client.call(api.listCommands, { params: { id }, query }));
      showPage(context, page, {
        columns: [
          { title: 'ID', value: (view) => view.id },
          { title: 'COMMAND', value: ({ name }) => name },
          { title: 'STATE', value: stateOf },
          { title: 'BY', value: ({ issuer }) => issuer },
          { title: 'SENT', value: ({ issuedAtMs }) => formatTime(issuedAtMs) },
          { title: 'ERROR', value: ({ error }) => error?.message ?? null },
        ],
        name: ({ id: own }) => own,
        empty: 'nothing was asked of it yet',
      });
    });
  defineHistory(commands, contextOf);
  commands
    .command('show')
    .argument('<id>')
    .summary('one command with its result')
    .addHelpText('after', examples(['starling command show 01jd... --json', 'everything about it']))
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const view = await client.call(api.showCommand, { params: { id } });
      context.output.result(view, () => JSON.stringify(view, undefined, 2));
    });
  commands
    .command('cancel')
    .argument('<id>')
    .summary('end a command that is open')
    .addHelpText('after', examples(['starling command cancel 01jd...', 'its device stops, or never begins']))
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const view = await client.call(api.cancelCommand, { params: { id } });
      context.output.result(view, () => `${view.name} is cancelled`);
    });
}

function defineHistory(commands: Command, contextOf: ContextOf): void {
  addPaging(commands.command('history'))
    .argument('<name>')
    .option('--newest', 'the newest of each device alone: where devices stand with it')
    .option('--status <status>', `only these: ${commandViewSchema.shape.status.options.join(', ')}`)
    .summary('what became of one command on all devices, however it was sent; newest first')
    .addHelpText(
      'after',
      examples(
        ['starling command history update-agent --newest', 'where each device stands with its last update'],
        ['starling command history rotate-key --status failed --json', 'which keys were not replaced, and why'],
      ),
    )
    .action(async (word: string, _options, command: Command) => {
      const { newest, status } = readOptions(command, historyOptions);
      const name = namedCommand(word);
      const context = contextOf(command);
      const { client } = await context.connect();
      const filter = { name, newest: newest ? 'true' : 'false', ...(status === undefined ? {} : { status }) };
      const page = await fetchPages(command, (query) => client.call(api.listNamedCommands, { query: { ...query, ...filter } }));
      showPage(context, page, {
        columns: [
          { title: 'DEVICE', value: ({ deviceName }) => deviceName },
          { title: 'STATE', value: (view) => stateOf(view) },
          { title: 'BY', value: ({ issuer }) => issuer },
          { title: 'SENT', value: ({ issuedAtMs }) => formatTime(issuedAtMs) },
          { title: 'ERROR', value: ({ error }) => (error === null ? null : `${error.code}: ${error.message}`) },
        ],
        name: ({ id: own }) => own,
        empty: `${name} was sent to nobody, or none is in this state`,
      });
    });
}

const historyOptions = z.object({ newest: z.boolean().default(false), status: commandViewSchema.shape.status.optional() });

function namedCommand(word: string): z.infer<typeof sendableCommandSchema> {
  const { data } = sendableCommandSchema.safeParse(word);
  if (data !== undefined) return data;
  const near = nearestName(word, sendableCommandSchema.options);
  throw cliError('usage', `there is no command "${word}" for devices`, {
    field: 'name',
    hint: near === undefined ? `use ${sendableCommandSchema.options.join(', ')}` : `did you mean ${near}?`,
  });
}

function stateOf({ status, progress }: CommandView): string {
  return progress === undefined ? status : `${status} ${progress.done}/${progress.total} ${progress.what}`;
}
