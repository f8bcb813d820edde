import { api, type GroupView, selectorNames } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { formatFields } from '../table.ts';

const createOptions = z.object({ select: z.string(), description: z.string().max(500).default('') });
const changeOptions = z.object({ select: z.string().optional(), description: z.string().max(500).optional() });

export function defineGroupCommands(program: Command, contextOf: ContextOf): void {
  const group = program
    .command('group')
    .summary('devices by a saved selector')
    .description('Save selectors under names. Who belongs to a group is asked each time: a device that gets a label is in at once.')
    .addHelpText('after', selectorHelp());
  defineReading(group, contextOf);
  defineChanging(group, contextOf);
}

function selectorHelp(): string {
  const rows = selectorNames.map(({ name, describes, example }) => [name, example, describes] as const);
  const [first, second] = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map(([name, example, describes]) => `  ${name.padEnd(first ?? 0)}  ${example.padEnd(second ?? 0)}  ${describes}`);
  return `
Selectors:
  Conditions in CEL, joined by && (and), || (or), ! (not):
${lines.join('\n')}
  group("name") is a saved one, has(labels.x) or "x/y" in labels asks for a label; texts have startsWith, endsWith and contains.`;
}

function defineReading(group: Command, contextOf: ContextOf): void {
  addPaging(group.command('ls').alias('list'))
    .summary('list groups')
    .option('--search <text>', 'part of name or description')
    .addHelpText('after', examples(['starling group ls', 'with how many devices belong to each now']))
    .action(async ({ search }: { search?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listGroups, { query: { ...query, ...(search === undefined ? {} : { search }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'DEVICES', value: ({ devices }) => devices, right: true },
          { title: 'ONLINE', value: ({ online }) => online, right: true },
          { title: 'SELECTOR', value: ({ select, problem }) => (problem === null ? select : `${select} (${problem})`) },
          { title: 'DESCRIPTION', value: ({ description }) => description },
        ],
        name: ({ name }) => name,
        empty: 'no groups yet; save one with "starling group create"',
      });
    });
  group
    .command('show')
    .argument('<group>')
    .summary('one group: its selector, and what uses it')
    .addHelpText('after', examples(['starling group show kitchens', 'selector and counts']))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      show(context.output, await client.call(api.showGroup, { params: { name } }));
    });
  addPaging(group.command('devices'))
    .argument('<group>')
    .summary('devices that belong to a group now')
    .addHelpText('after', examples(['starling group devices kitchens --all --quiet', 'every id, a line each']))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      await client.call(api.showGroup, { params: { name } });
      const page = await fetchPages(command, (query) =>
        client.call(api.listDevices, { query: { ...query, select: `group(${JSON.stringify(name)})` } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: (device) => device.name },
          { title: 'ID', value: ({ id }) => id },
          { title: 'PROFILE', value: ({ profile }) => profile },
          { title: 'SEEN', value: ({ lastSeenAtMs }) => formatTime(lastSeenAtMs) },
        ],
        name: ({ id }) => id,
        empty: `no device belongs to ${name} now`,
      });
    });
}

function defineChanging(group: Command, contextOf: ContextOf): void {
  group
    .command('create')
    .argument('<name>')
    .summary('save a selector under a name')
    .requiredOption('--select <selector>', 'which devices belong to it')
    .option('--description <text>', 'what it is for')
    .addHelpText(
      'after',
      examples(
        [`starling group create kitchens --select 'labels.room == "kitchen"'`, 'by a label'],
        [`starling group create old-kitchens --select 'group("kitchens") && agentVersion < "1.4"'`, 'of another group'],
      ),
    )
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      show(context.output, await client.call(api.createGroup, { body: { name, ...readOptions(command, createOptions) } }));
    });
  group
    .command('set')
    .argument('<group>')
    .summary('change its selector or description')
    .option('--select <selector>', 'which devices belong to it')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', examples([`starling group set kitchens --select 'labels.room in ["kitchen", "bar"]'`, 'from now on']))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { select, description } = readOptions(command, changeOptions);
      if (select === undefined && description === undefined) {
        throw cliError('usage', 'nothing to change', { field: '--select', hint: 'give --select or --description' });
      }
      const { client } = await context.connect();
      const body = { ...(select === undefined ? {} : { select }), ...(description === undefined ? {} : { description }) };
      show(context.output, await client.call(api.changeGroup, { params: { name }, body }));
    });
  group
    .command('delete')
    .argument('<group>')
    .summary('delete a group that nothing uses; its devices stay')
    .option('--yes', 'without asking')
    .addHelpText('after', examples(['starling group delete kitchens', 'asks first']))
    .action(async (name: string, { yes }: { yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      await client.call(api.showGroup, { params: { name } });
      await context.prompt.confirm(`delete the group ${name}?`, { yes: yes === true });
      await client.call(api.deleteGroup, { params: { name } });
      context.output.result(
        { deleted: name },
        () => `deleted ${name}`,
        () => [name],
      );
    });
}

function show(output: ReturnType<ContextOf>['output'], view: GroupView): void {
  output.result(
    view,
    () =>
      formatFields([
        ['name', view.name],
        ['selector', view.select],
        ['description', view.description],
        ['devices', `${view.devices}, ${view.online} of them online`],
        ['problem', view.problem ?? undefined],
        ['used by', view.usedBy.join(', ')],
        ['changed', `${formatTime(view.changedAtMs)} by ${view.changedBy}`],
      ]),
    () => [view.name],
  );
}
