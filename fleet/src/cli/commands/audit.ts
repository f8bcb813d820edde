import { api } from '@starling/shared';
import type { Command } from 'commander';
import { type ContextOf, examples } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';

export function defineAuditCommands(program: Command, contextOf: ContextOf): void {
  const audit = program.command('audit').summary('who changed what');
  addPaging(audit.command('ls'))
    .summary('list changes, newest first')
    .option('--search <text>', 'part of actor, action or subject')
    .addHelpText(
      'after',
      examples(['starling audit ls --search release', 'releases alone'], ['starling audit ls --all --json >audit.json', 'everything']),
    )
    .action(async ({ search }: { search?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listAudit, { query: { ...query, ...(search === undefined ? {} : { search }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'AT', value: ({ atMs }) => formatTime(atMs) },
          { title: 'WHO', value: ({ actor }) => actor },
          { title: 'WHAT', value: ({ action }) => action },
          { title: 'SUBJECT', value: ({ subject }) => subject },
          { title: 'DETAIL', value: ({ detail }) => (Object.keys(detail).length === 0 ? null : JSON.stringify(detail)) },
        ],
        name: ({ id }) => String(id),
        empty: 'nothing was changed yet',
      });
    });
}
