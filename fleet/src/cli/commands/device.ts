import { api, type DeviceView } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { findDevice } from '../references.ts';
import { defineDeviceAssign } from './device-assign.ts';
import { defineDeviceBulk } from './device-bulk.ts';
import { defineDeviceCaptureCommands } from './device-capture.ts';
import { defineDeviceCommandCommands } from './device-command.ts';
import { defineDeviceModelCommands } from './device-model.ts';
import { defineDeviceSet } from './device-set.ts';
import { describeDevice, phaseText } from './device-text.ts';

const listOptions = z.object({
  search: z.string().max(200).optional(),
  status: z.enum(['pending', 'active', 'revoked', 'online', 'offline'], 'use pending, active, revoked, online or offline').optional(),
  profile: z.string().max(64).optional(),
  select: z.string().optional(),
  sort: z.enum(['name', 'lastSeen', 'enrolled', 'profile'], 'use name, lastSeen, enrolled or profile').optional(),
});

export function defineDeviceCommands(program: Command, contextOf: ContextOf): void {
  const device = program
    .command('device')
    .summary('what runs agents')
    .description('List, inspect and command devices. <device> is a name, an id, or the first characters of an id.');
  defineReading(device, contextOf);
  defineDeviceAssign(device, contextOf);
  defineDeviceSet(device, contextOf);
  defineChanging(device, contextOf);
  defineDeviceBulk(device, contextOf);
  defineDeviceCommandCommands(device, contextOf);
  defineDeviceModelCommands(device, contextOf);
  defineDeviceCaptureCommands(device, contextOf);
}

/** Does something but the order leave devices out? */
function isFiltered({ sort: _sort, ...given }: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(given).length > 0;
}

function defineReading(device: Command, contextOf: ContextOf): void {
  addPaging(device.command('ls').alias('list'))
    .summary('list devices')
    .option('--select <selector>', 'devices that a selector means; see "starling group --help"')
    .option('--search <text>', 'part of name, id or labels')
    .option('--status <status>', 'pending, active, revoked, online or offline')
    .option('--profile <name>', 'device profile')
    .option('--sort <key>', 'name, lastSeen, enrolled or profile')
    .addHelpText(
      'after',
      examples(
        ['starling device ls --status online', 'who is here'],
        [`starling device ls --select 'site == "north" && !online'`, 'who is away at a site'],
        ['starling device ls --all --quiet', 'every id, a line each'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const filter = readOptions(command, listOptions);
      const { client } = await context.connect();
      const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      const page = await fetchPages(command, (query) => client.call(api.listDevices, { query: { ...query, ...given } }));
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'ID', value: ({ id }) => id },
          { title: 'STATUS', value: statusText },
          { title: 'PROFILE', value: ({ profile }) => profile },
          { title: 'RELEASE', value: ({ desired }) => desired?.releaseName ?? null },
          { title: 'PHASE', value: (view) => phaseText(view) },
          { title: 'SEEN', value: ({ lastSeenAtMs }) => formatTime(lastSeenAtMs) },
        ],
        name: ({ id }) => id,
        empty: isFiltered(given)
          ? 'no device matches; "starling device ls" shows every one'
          : 'no devices yet; make a claim token with "starling token create" and run the command that it prints',
      });
    });
  device
    .command('show')
    .argument('<device>')
    .summary('one device: what it is, what it should run, what it runs')
    .addHelpText('after', examples(['starling device show gate-3', 'profile, assignment, artefacts and why']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const view = await findDevice((await context.connect()).client, reference);
      context.output.result(
        view,
        () => describeDevice(view, context.output),
        () => [view.id],
      );
    });
}

function defineChanging(device: Command, contextOf: ContextOf): void {
  device
    .command('approve')
    .argument('<device>')
    .summary('let a pending device in')
    .addHelpText('after', examples(['starling device approve gate-3', 'after its enrolment']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { id } = await findDevice(client, reference);
      const view = await client.call(api.approveDevice, { params: { id } });
      context.output.result(
        view,
        () => `${view.name} (${view.id}) is in`,
        () => [view.id],
      );
    });
  device
    .command('revoke')
    .argument('<device>')
    .summary('shut a device out at once, for good')
    .option('--yes', 'without asking')
    .addHelpText('after', examples(['starling device revoke gate-3', 'asks first'], ['starling device revoke gate-3 --yes', 'for scripts']))
    .action(async (reference: string, { yes }: { yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { id, name } = await findDevice(client, reference);
      await context.prompt.confirm(`shut ${name} (${id}) out for good?`, { yes: yes === true });
      const view = await client.call(api.revokeDevice, { params: { id } });
      context.output.result(
        view,
        () => `${view.name} (${view.id}) is shut out`,
        () => [view.id],
      );
    });
}

function statusText({ status, online }: DeviceView): string {
  return status === 'active' ? (online ? 'online' : 'offline') : status;
}
