import { api, fileEndpoints, placeOfPorts, type ReplayOf, StarlingError } from '@starling/shared';
import { streamSSE } from 'hono/streaming';
import type { BlobStore } from '../blobs/index.ts';
import type { DesiredStates } from '../desired-state/index.ts';
import type { Devices } from '../devices/index.ts';
import type { Releases } from '../releases/index.ts';
import type { Taps, TapViewer } from '../taps/index.ts';
import { storeInput } from './command-input.ts';
import { requireConnected } from './device-connected.ts';
import { type ApiApp, type Call, fileRoute, route } from './route.ts';

export interface TapRoutePorts {
  taps: Taps;
  devices: Devices;
  blobs: BlobStore;
  desiredStates: DesiredStates;
  releases: Releases;
  isConnected(device: string): boolean | undefined;
}

const HEARTBEAT_MS = 15_000;

/** Taps and replays: a person asks, the device decides what may leave, and the values go to whoever listens. */
export function tapRoutes(app: ApiApp, ports: TapRoutePorts): void {
  const { taps } = ports;
  route(app, api.startTap, async ({ params, body, actor }) => {
    const at = await deviceOfEdges(params.id, body, ports);
    await requireConnected(at, ports);
    return taps.start(params.id, body, actor, at);
  });
  route(app, api.listTaps, async ({ params }) => {
    await ports.devices.find(params.id);
    return { items: taps.list(params.id) };
  });
  route(app, api.stopTap, async ({ params, actor }) => {
    await taps.stop(params.id, params.tap, actor);
    return { stopped: true };
  });
  route(app, api.replayOnDevice, (call) => replayOnDevice(call, ports));
  // Whoever may look may as well start a tap: what it shows is nobody else's to see.
  fileRoute(app, fileEndpoints.tapValues, ({ params, context }) => {
    const viewer = taps.view(params.id, params.tap);
    return streamSSE(context, async (stream) => {
      let wake = (): void => undefined;
      const isGone = (): boolean => stream.aborted || stream.closed;
      stream.onAbort(() => {
        viewer.close();
        wake();
      });
      await stream.writeSSE({ event: 'ready', data: '{}' });
      while (!isGone() && !viewer.isOver) {
        const data = viewer.next();
        if (data !== undefined) {
          await stream.writeSSE({ data });
          continue;
        }
        const isReady = await ready(viewer, (given) => {
          wake = given;
        });
        if (!isReady && !isGone()) await stream.writeSSE({ event: 'heartbeat', data: '{}' });
      }
      viewer.close();
    });
  });
}

/** Edges inside of a part are watched where it runs. */
async function deviceOfEdges(
  home: string,
  { edges, pipeline }: Call<typeof api.startTap>['body'],
  { desiredStates, releases }: TapRoutePorts,
): Promise<string> {
  const desired = await desiredStates.view(home);
  if (desired === null || desired.release === null || desired.placement.length === 0) return home;
  const name = pipeline ?? (await releases.find(desired.release)).document.pipeline.name;
  const place = placeOfPorts(desired.placement, name, edges);
  if (place === undefined) return home;
  if (place.worker !== null) return place.worker.id;
  throw new StarlingError('place-unreachable', `nobody runs ${place.place} for this device`, {
    field: 'edges',
    hint: `give a device the label of the place, and the same release`,
    retryable: true,
  });
}

/** @returns false if nothing came for the time of a heartbeat */
function ready(viewer: TapViewer, onWake: (wake: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HEARTBEAT_MS);
    const wake = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    onWake(wake);
    viewer.onReady(wake);
  });
}

async function replayOnDevice({ params, query, actor, context }: Call<typeof api.replayOnDevice>, ports: TapRoutePorts) {
  await requireConnected(params.id, ports);
  const given = { pipeline: query.pipeline, edges: query.edges, maximumBytes: query.maximumBytes };
  if (query.of !== 'input') return ports.taps.replay(params.id, { ...given, of: itemOf(query) }, actor, []);
  const { input, chunks } = await storeInput(context.req.raw.body, ports.blobs);
  return ports.taps.replay(params.id, { ...given, of: { kind: 'input', input, port: query.port } }, actor, chunks);
}

function itemOf({ of, stream, sequence }: Call<typeof api.replayOnDevice>['query']): Exclude<ReplayOf, { kind: 'input' }> {
  if (of === 'last') return { kind: 'last' };
  if (stream !== undefined && sequence !== undefined) return { kind: 'item', stream, sequence };
  throw new StarlingError('invalid-request', 'an item is named by its stream and its sequence', {
    field: stream === undefined ? 'query.stream' : 'query.sequence',
    hint: 'both stand in the values of a tap',
  });
}
