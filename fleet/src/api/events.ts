import { fileEndpoints } from '@starling/shared';
import { streamSSE } from 'hono/streaming';
import type { EventBus } from '../ports.ts';
import { type ApiApp, fileRoute } from './route.ts';

export interface EventPorts {
  events: EventBus;
}

const HEARTBEAT_MS = 15_000;
/** Events that one slow browser may have waiting; the page fetches what it shows again anyway. */
const QUEUE_MAXIMUM = 500;

/** What changes in the fleet, as server-sent events: a page fetches again what an event is about. */
export function eventRoutes(app: ApiApp, { events }: EventPorts): void {
  fileRoute(app, fileEndpoints.events, ({ context }) =>
    streamSSE(context, async (stream) => {
      const queue: string[] = [];
      let wake = (): void => undefined;
      const stop = events.subscribe((event) => {
        if (event.type === 'audit' || queue.length >= QUEUE_MAXIMUM) return;
        queue.push(JSON.stringify(event));
        wake();
      });
      stream.onAbort(() => {
        stop();
        wake();
      });
      await stream.writeSSE({ event: 'ready', data: '{}' });
      while (!stream.aborted && !stream.closed) {
        const data = queue.shift();
        if (data !== undefined) {
          await stream.writeSSE({ data });
          continue;
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, HEARTBEAT_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        if (queue.length === 0 && !stream.aborted) await stream.writeSSE({ event: 'heartbeat', data: '{}' });
      }
      stop();
    }),
  );
}
