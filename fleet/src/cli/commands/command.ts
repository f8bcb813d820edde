import { api, type CommandView } from '@starling/shared';
import type { Command } from 'commander';
import { type ContextOf, examples } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { findDevice } from '../references.ts';

/** What was asked of devices, and what came of it. */
export function defineCommandCommands(program: Command, contextOf: ContextOf): void {
  const commands = program.command('command').summary('what devices were told to do, and what came of it');
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

function stateOf({ status, progress }: CommandView): string {
  return progress === undefined ? status : `${status} ${progress.done}/${progress.total} ${progress.what}`;
}
