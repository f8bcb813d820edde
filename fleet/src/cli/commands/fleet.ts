import { api, type FleetMap, type FleetProcess, type MapCell, mapMeasures } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { shortDigest } from '../printable.ts';
import type { Column } from '../table.ts';

const mapOptions = z.object({
  measure: z.enum(mapMeasures).default('connected'),
  sort: z.enum(['worst', 'devices', 'site']).default('worst'),
  search: z.string().optional(),
});

/** One line: a site, and a profile on it. */
type Line = MapCell & { site: string };

export function defineFleetCommands(program: Command, contextOf: ContextOf): void {
  const fleet = program.command('fleet').summary('the whole fleet at a glance, and the processes that serve it');
  defineProcesses(fleet, contextOf);
  addPaging(fleet.command('overview'))
    .summary('devices by site and profile: connected, failing, latency, releases')
    .option('--measure <measure>', `by which the worst come first: ${mapMeasures.join(', ')} (default: connected)`)
    .option('--sort <order>', 'worst, devices or site (default: worst)')
    .option('--search <text>', 'part of the name of a site')
    .addHelpText(
      'after',
      examples(
        ['starling fleet overview', 'sites where most are away first'],
        ['starling fleet overview --measure failing --limit 5', 'the five sites with most trouble'],
        ['starling fleet overview --all --json >fleet.json', 'all sites, with counts'],
      ),
    )
    .action(async (_options, command: Command) => {
      const { measure, sort, search } = readOptions(command, mapOptions);
      const context = contextOf(command);
      const { client } = await context.connect();
      let newest: FleetMap | undefined;
      const page = await fetchPages(command, async (query) => {
        newest = await client.call(api.fleetMap, { query: { ...query, measure, sort, ...(search === undefined ? {} : { search }) } });
        return newest;
      });
      const { output } = context;
      if (newest === undefined || output.json) {
        output.result({ ...newest, ...page }, () => '');
        return;
      }
      const { fleet: all, leading } = newest;
      output.notice(
        `${all.devices} devices on ${page.total} sites: ${all.connected} connected, ${all.closed} pages closed, ${all.failing} failing; ` +
          (leading === null ? 'nothing is assigned' : `${all.onLeading} should run ${leading.name ?? leading.digest.slice(0, 12)}`),
      );
      const lines = page.items.flatMap(({ site, cells }) => cells.map((cell): Line => ({ site, ...cell })));
      showPage(context, { ...page, items: lines, total: Math.max(lines.length, 1), offset: 0, limit: lines.length }, shape);
      const last = page.offset + page.items.length;
      if (last < page.total)
        output.notice(`sites ${page.offset + 1} to ${last} of ${page.total}; --offset ${last} goes on, --all shows every one`);
    });
}

function defineProcesses(fleet: Command, contextOf: ContextOf): void {
  fleet
    .command('processes')
    .summary('which processes serve the fleet, and how they share its devices')
    .addHelpText(
      'after',
      examples(['starling fleet processes', 'one line a process'], ['starling fleet processes --json', 'for a monitor']),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { output } = context;
      const all = await client.call(api.listProcesses, {});
      output.result(all, () => output.table(all.items, processColumns));
      if (all.broker === 'embedded') output.notice('devices connect to this process itself: it has the embedded broker');
      if (all.unheard > 0) output.notice(`${all.unheard} of 32 shards are heard by nobody just now`);
    });
}

const processColumns: Column<FleetProcess>[] = [
  { title: 'PROCESS', value: ({ id }) => id },
  { title: 'SHARDS', value: ({ shards }) => shards, right: true },
  { title: 'DOES FOR ALL', value: ({ duties }) => duties.join(', ') },
  { title: 'AUTHORITY', value: ({ authority }) => (authority === null ? null : shortDigest(authority)) },
  { title: '', value: ({ answers }) => (answers ? 'has answered' : null) },
];

const shape = {
  columns: [
    { title: 'SITE', value: ({ site }: Line) => (site === '' ? '(none)' : site) },
    { title: 'PROFILE', value: ({ profile }: Line) => profile },
    { title: 'DEVICES', value: ({ devices }: Line) => devices, right: true },
    { title: 'CONNECTED', value: ({ connected }: Line) => connected, right: true },
    { title: 'FAILING', value: ({ failing }: Line) => failing, right: true },
    { title: 'MEAN MS', value: ({ latencyMsMean }: Line) => latencyMsMean?.toFixed(1) ?? null, right: true },
    {
      title: 'SHOULD RUN',
      value: ({ releases }: Line) =>
        releases.map(({ name, digest, devices }) => `${name ?? digest?.slice(0, 12) ?? 'nothing'} ${devices}`).join(', '),
    },
  ],
  name: ({ site }: Line) => site,
  empty: 'no device is let in yet',
};
