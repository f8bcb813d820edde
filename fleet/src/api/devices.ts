import {
  api,
  commandTable,
  type DeviceView,
  type Diagnostics,
  diagnosticsSchema,
  inferenceResultSchema,
  jsonDecode,
  StarlingError,
  traceparentSchema,
} from '@starling/shared';
import type { BlobStore } from '../blobs/index.ts';
import { type CommandGrants, type Commands, resultOf } from '../commands/index.ts';
import type { DesiredStates } from '../desired-state/index.ts';
import { type ClaimTokens, type DeviceRow, type Devices, toDeviceView } from '../devices/index.ts';
import type { Groups } from '../groups/index.ts';
import type { Packages } from '../packages/index.ts';
import type { Releases } from '../releases/index.ts';
import { storeInput } from './command-input.ts';
import { requireConnected } from './device-connected.ts';
import { type ApiApp, type Call, route } from './route.ts';

export interface DevicePorts {
  devices: Devices;
  desiredStates: DesiredStates;
  commands: Commands;
  grants: CommandGrants;
  claimTokens: ClaimTokens;
  groups: Groups;
  releases: Releases;
  blobs: BlobStore;
  /** Cuts the connection of a device at once. */
  disconnect(device: string): Promise<void>;
  isConnected(device: string): boolean | undefined;
  packages: Packages;
}

/** Longest wait for an answer of a device to a request over HTTP. */
const INFER_WAIT_MS = 30_000;

export function deviceRoutes(app: ApiApp, ports: DevicePorts): void {
  const { devices, desiredStates, commands, claimTokens, releases } = ports;
  const view = async (row: DeviceRow): Promise<DeviceView> => toDeviceView(row, await desiredStates.view(row.id));
  const show = async (id: string): Promise<DeviceView> => view(await devices.find(id));

  route(app, api.listDevices, async ({ query }) => {
    const where = query.select === undefined ? undefined : await ports.groups.where(query.select);
    const { rows, total } = await devices.list({ ...query, where });
    const desired = await desiredStates.views(rows.map(({ id }) => id));
    return { items: rows.map((row) => toDeviceView(row, desired.get(row.id) ?? null)), total, limit: query.limit, offset: query.offset };
  });
  route(app, api.showDevice, ({ params }) => show(params.id));
  route(app, api.changeDevice, async ({ params, body, actor }) => {
    await devices.change(params.id, body, actor);
    return show(params.id);
  });
  route(app, api.assignDevice, async ({ params, body, actor }) => {
    await desiredStates.assign(params.id, body.release, actor);
    return show(params.id);
  });
  route(app, api.approveDevice, async ({ params, actor }) => {
    await devices.approve(params.id, actor);
    return show(params.id);
  });
  route(app, api.revokeDevice, async ({ params, actor }) => {
    await devices.revoke(params.id, actor);
    await ports.disconnect(params.id);
    return show(params.id);
  });
  route(app, api.inferOnDevice, (call) => inferOnDevice(call, ports));
  route(app, api.commandDevice, async ({ params, body, actor }) => {
    await devices.find(params.id);
    const grant = await ports.grants(body.name, body.arguments, params.id);
    const sent = await commands.send(params.id, body.name, body.arguments, actor, grant);
    return commands.wait(sent.id, body.waitMs);
  });
  route(app, api.listNamedCommands, async ({ query }) => {
    const { limit, offset } = query;
    return { limit, offset, ...(await commands.named(query)) };
  });
  route(app, api.listCommands, async ({ params, query }) => ({ ...query, ...(await commands.list(params.id, query)) }));
  route(app, api.cancelCommand, ({ params, actor }) => commands.cancel(params.id, actor));
  route(app, api.showDiagnostics, ({ params }) => readDiagnostics(params.id, ports));
  route(app, api.showCommand, ({ params }) => commands.show(params.id));
  route(app, api.listClaimTokens, async ({ query }) => ({ ...query, ...(await claimTokens.list(query)) }));
  route(app, api.createClaimToken, async ({ body, actor }) => {
    const release = body.release === undefined ? undefined : (await releases.find(body.release)).digest;
    // First what takes long and may fail: a token is shown once, and one that nobody saw stays open.
    if (body.install) await ports.packages.prepare();
    const created = await claimTokens.create({ ...body, release }, actor);
    return { ...created, installCommand: body.install ? await ports.packages.installCommand(created.text) : null };
  });
  route(app, api.revokeClaimToken, async ({ params, actor }) => {
    await claimTokens.revoke(params.id, actor);
    return {};
  });
}

/** The image becomes a blob that only this device may fetch, and only while the command is open. */
async function inferOnDevice({ params, actor, context }: Call<typeof api.inferOnDevice>, ports: DevicePorts) {
  await requireConnected(params.id, ports);
  const traceparent = readTraceparent(context.req.header('traceparent'));
  const { input, chunks: blobs } = await storeInput(context.req.raw.body, ports.blobs);
  const sent = await ports.commands.send(params.id, 'infer', { input, ...traceparent }, actor, { blobs, lifeMs: INFER_WAIT_MS });
  const ended = await ports.commands.wait(sent.id, INFER_WAIT_MS);
  return { command: ended.id, result: inferenceResultSchema.parse(resultOf(ended, INFER_WAIT_MS)) };
}

/** @throws StarlingError `not-found` where nothing has arrived, or it was kept for long enough */
async function readDiagnostics(id: string, { commands, blobs }: Pick<DevicePorts, 'commands' | 'blobs'>): Promise<Diagnostics> {
  const { name, status, result } = await commands.show(id);
  const { data } = commandTable.diagnostics.result.safeParse(result);
  if (name !== 'diagnostics' || data?.upload === undefined) {
    throw new StarlingError('not-found', `the command ${name} (${status}) has brought no diagnostics`, {
      field: 'id',
      hint: 'send the command "diagnostics", and wait until it is done',
    });
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of blobs.readBlob(data.upload.manifest)) pieces.push(piece);
  return jsonDecode(Buffer.concat(pieces), diagnosticsSchema);
}

/** A header that is none of W3C Trace Context is as good as none (3.2.2). */
function readTraceparent(header: string | undefined): { traceparent?: string } {
  const { data } = traceparentSchema.safeParse(header);
  return data === undefined ? {} : { traceparent: data };
}
