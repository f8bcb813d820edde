import { api } from '@starling/shared';
import type { Command } from 'commander';
import { type ContextOf, examples } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';

export function defineSiteCommands(program: Command, contextOf: ContextOf): void {
  const site = program
    .command('site')
    .summary('devices by area and site')
    .description('The labels "area" and "site" say where a device is.');
  addPaging(site.command('ls').alias('list'))
    .summary('count devices by area and site')
    .option('--area <name>', 'sites of one area')
    .addHelpText('after', examples(['starling site ls', 'every site'], ['starling site ls --area europe', 'those of one area']))
    .action(async ({ area }: { area?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listSites, { query: { ...query, ...(area === undefined ? {} : { area }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'AREA', value: (each) => each.area },
          { title: 'SITE', value: (each) => each.site },
          { title: 'DEVICES', value: ({ devices }) => devices, right: true },
          { title: 'ONLINE', value: ({ online }) => online, right: true },
          { title: 'FAILED', value: ({ failed }) => failed, right: true },
        ],
        name: (each) => `${each.area}/${each.site}`,
        empty: 'no devices yet',
      });
    });
}
