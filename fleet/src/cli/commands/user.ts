import { type ApiClient, api, roleSchema, StarlingError, type User } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchAll, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';

const role = z.enum(roleSchema.options, 'use viewer, operator or admin');
const createOptions = z.object({ email: z.email('is no e-mail address'), name: z.string().min(1).max(100), role });

export function defineUserCommands(program: Command, contextOf: ContextOf): void {
  const user = program
    .command('user')
    .summary('people who may sign in')
    .description('Create, list and change accounts (role admin). <user> is an e-mail address or an id.');
  addPaging(user.command('ls'))
    .summary('list users')
    .addHelpText('after', examples(['starling user ls', 'everybody']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) => client.call(api.listUsers, { query }));
      showPage(context, page, {
        columns: [
          { title: 'E-MAIL', value: ({ email }) => email },
          { title: 'NAME', value: ({ name }) => name },
          { title: 'ROLE', value: (each) => each.role },
          { title: 'STATE', value: ({ disabled }) => (disabled ? 'disabled' : 'active') },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
          { title: 'ID', value: ({ id }) => id },
        ],
        name: ({ email }) => email,
        empty: 'no users',
      });
    });
  user
    .command('create')
    .summary('create an account; its one-time password is shown once')
    .requiredOption('--email <address>', 'e-mail, with which the person signs in')
    .requiredOption('--name <text>', 'name of the person')
    .requiredOption('--role <role>', 'viewer, operator or admin')
    .addHelpText('after', examples(['starling user create --email ada@example.org --name Ada --role operator', 'prints the password']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, createOptions);
      const { client } = await context.connect();
      const created = await client.call(api.createUser, { body: options });
      context.output.notice(`one-time password of ${created.user.email}, shown this once:`);
      context.output.result(
        created,
        () => created.password,
        () => [created.password],
      );
    });
  defineChanging(user, contextOf);
}

function defineChanging(user: Command, contextOf: ContextOf): void {
  user
    .command('set-role')
    .argument('<user>')
    .argument('<role>', 'viewer, operator or admin')
    .summary('change what a person may do')
    .addHelpText('after', examples(['starling user set-role ada@example.org admin', 'may now manage accounts']))
    .action(async (reference: string, text: string, _options, command: Command) => {
      const wanted = role.safeParse(text);
      if (!wanted.success) throw cliError('usage', `there is no role "${text}"`, { field: 'role', hint: 'use viewer, operator or admin' });
      await change(contextOf, command, reference, { role: wanted.data });
    });
  for (const { name, disabled, summary } of [
    {
      name: 'remove',
      disabled: true,
      summary: 'shut a person out at once; the account stays for the audit log, "user restore" opens it again',
    },
    { name: 'restore', disabled: false, summary: 'let a removed person in again' },
  ]) {
    user
      .command(name)
      .argument('<user>')
      .summary(summary)
      .addHelpText('after', examples([`starling user ${name} ada@example.org`, 'by e-mail or id']))
      .action((reference: string, _options, command: Command) => change(contextOf, command, reference, { disabled }));
  }
}

async function change(
  contextOf: ContextOf,
  command: Command,
  reference: string,
  body: { role?: User['role']; disabled?: boolean },
): Promise<void> {
  const context = contextOf(command);
  const { client } = await context.connect();
  const { id } = await findUser(client, reference);
  const user = await client.call(api.changeUser, { params: { id }, body });
  context.output.result(
    user,
    () => `${user.email}: ${user.role}, ${user.disabled ? 'disabled' : 'active'}`,
    () => [user.email],
  );
}

async function findUser(client: ApiClient, reference: string): Promise<User> {
  const { items } = await fetchAll<User>((query) => client.call(api.listUsers, { query }));
  const found = items.find(({ id, email }) => id === reference || email === reference.toLowerCase());
  if (found === undefined)
    throw new StarlingError('not-found', `there is no user "${reference}"`, { field: 'user', hint: 'see "starling user ls"' });
  return found;
}
