import { api, fileEndpoints, StarlingError } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { stream } from 'hono/streaming';
import { boundedPieces } from '../bounded-body.ts';
import { CSV_BYTES_MAXIMUM, type DeviceBulk, type SimulatedRemoval } from '../devices/index.ts';
import type { Groups } from '../groups/index.ts';
import { type ApiApp, fileRoute, route } from './route.ts';

export interface GroupRoutePorts {
  groups: Groups;
  bulk: DeviceBulk;
  simulated: SimulatedRemoval;
  /** Cuts the connection of a device at once. */
  disconnect(device: string): Promise<void>;
}

/** Selectors, groups, and changes of all devices that one selects. */
const CUT_AT_ONCE = 50;

export function groupRoutes(app: ApiApp, ports: GroupRoutePorts): void {
  const { groups, bulk, simulated } = ports;
  route(app, api.listGroups, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await groups.list(query)) }));
  route(app, api.showGroup, ({ params }) => groups.show(params.name));
  route(app, api.createGroup, ({ body, actor }) => groups.create(body, actor));
  route(app, api.changeGroup, ({ params, body, actor }) => groups.change(params.name, body, actor));
  route(app, api.deleteGroup, async ({ params, actor }) => {
    await groups.remove(params.name, actor);
    return {};
  });
  route(app, api.checkSelector, ({ body }) => groups.check(body.select, body.group));
  route(app, api.selectorVocabulary, () => groups.vocabulary());
  route(app, api.listSites, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await groups.sites(query)) }));
  route(app, api.labelDevices, async ({ body, actor }) => {
    const { select, set, remove, dryRun } = body;
    const patch = { ...set, ...Object.fromEntries(remove.map((name) => [name, null])) };
    return bulk.label({ where: await groups.where(select), select }, patch, { dryRun, actor });
  });
  route(app, api.importDevices, ({ query, context, actor }) => {
    const tooLarge = (): StarlingError =>
      new StarlingError('upload-too-large', `files are taken up to ${CSV_BYTES_MAXIMUM} bytes`, { field: 'body', hint: 'split it' });
    return bulk.importCsv(boundedPieces(context.req.raw.body, CSV_BYTES_MAXIMUM, tooLarge), { ...query, actor });
  });
  route(app, api.removeSimulated, async ({ body, actor }) => {
    const ids = await simulated.remove({ dryRun: body.dryRun, actor });
    // Some at a time: a broker may need a connection for each.
    const cutOff = async (): Promise<void> => {
      for (let at = 0; at < ids.length; at += CUT_AT_ONCE) await Promise.all(ids.slice(at, at + CUT_AT_ONCE).map(ports.disconnect));
    };
    if (!body.dryRun) void cutOff();
    return { devices: ids.length };
  });
  exportRoute(app, ports);
}

function exportRoute(app: ApiApp, { groups, bulk }: Pick<GroupRoutePorts, 'groups' | 'bulk'>): void {
  fileRoute(app, fileEndpoints.exportDevices, async ({ query: { select }, context }) => {
    const where = select === undefined || select === '' ? sql`true` : await groups.where(select);
    const headers = { 'content-type': 'text/csv; charset=utf-8', 'content-disposition': 'attachment; filename="devices.csv"' };
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    return stream(context, async (to) => {
      for await (const piece of bulk.exportCsv(where)) await to.write(piece);
    });
  });
}
