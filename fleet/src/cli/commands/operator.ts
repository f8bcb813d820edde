import { api, roleSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { stateOf } from './api-token.ts';

const createOptions = z.object({
  role: z.enum(roleSchema.options, 'use viewer, operator or admin').default('operator'),
  select: z.string().optional(),
  expiresInDays: numberOption().int().min(1).max(3650).optional(),
});

/** Accounts with which people's own MQTT tools send commands. */
export function defineOperatorCommands(program: Command, contextOf: ContextOf): void {
  const operator = program
    .command('operator')
    .summary("accounts for people's own MQTT tools, such as mosquitto_pub")
    .description('Create, list and revoke accounts that send commands over MQTT (role admin).');
  operator
    .command('create')
    .argument('<name>', 'user name, and part of the topics: a-z, 0-9, _ and -')
    .summary('create an account; its password is shown once')
    .option('--select <selector>', 'devices that it may command; all if none is given')
    .option('--role <role>', 'bounds it further; commands need operator (default operator)')
    .option('--expires-in-days <n>', 'its life; for ever if none is given')
    .addHelpText(
      'after',
      examples(
        [`starling operator create line-4 --select 'site == "north"'`, 'commands the devices of one site'],
        ['starling operator create nightly --expires-in-days 90 --quiet', 'prints the password alone'],
      ),
    )
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { select, expiresInDays, role } = readOptions(command, createOptions);
      const { client } = await context.connect();
      const created = await client.call(api.createOperatorAccount, {
        body: { name, role, ...(select === undefined ? {} : { select }), ...(expiresInDays === undefined ? {} : { expiresInDays }) },
      });
      const { addresses } = await client.call(api.settings, {});
      const { broker } = await client.call(api.listProcesses, {});
      const { protocol, hostname, port } = new URL(addresses.mqtts || addresses.mqtt);
      const authority = protocol === 'mqtts:' ? ' --cafile fleet-ca.pem' : '';
      // Brokers that are not ours let an account in under its own client ids alone.
      const clientId = broker === 'external' ? ` -i ${name}` : '';
      const login = `-h ${hostname}${port === '' ? '' : ` -p ${port}`}${authority}${clientId} -u ${name} -P '${created.password}'`;
      context.output.notice('the password is shown this once; fleet-ca.pem is /api/v1/trust/ca.pem of the fleet');
      context.output.result(
        created,
        () =>
          [
            created.password,
            '',
            `mosquitto_sub ${login} -q 1 -v -t '${created.topicRoot}/operator/${name}/result/+'`,
            `mosquitto_pub ${login} -q 1 -t ${created.topicRoot}/operator/${name}/command/ping -m '{"request": "first", "select": "online"}'`,
          ].join('\n'),
        () => [created.password],
      );
    });
  defineListAndRevoke(operator, contextOf);
}

function defineListAndRevoke(operator: Command, contextOf: ContextOf): void {
  addPaging(operator.command('ls'))
    .summary('list accounts')
    .addHelpText('after', examples(['starling operator ls', 'with last use']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) => client.call(api.listOperatorAccounts, { query }));
      const nowMs = context.nowMs();
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'ROLE', value: ({ role }) => role },
          { title: 'DEVICES', value: ({ select }) => select ?? 'all' },
          { title: 'STATE', value: (view) => stateOf(view, nowMs) },
          { title: 'LAST USED', value: ({ lastUsedAtMs }) => formatTime(lastUsedAtMs) },
          { title: 'ENDS', value: ({ expiresAtMs }) => formatTime(expiresAtMs) },
          { title: 'OWNER', value: ({ owner }) => owner },
        ],
        name: ({ name }) => name,
        empty: 'no operator accounts yet',
      });
    });
  operator
    .command('revoke')
    .argument('<name>')
    .summary('end an account and its connections at once')
    .addHelpText('after', examples(['starling operator revoke line-4', 'its name is not given again']))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      await client.call(api.revokeOperatorAccount, { params: { name } });
      context.output.result(
        { revoked: name },
        () => `revoked ${name}`,
        () => [name],
      );
    });
}
