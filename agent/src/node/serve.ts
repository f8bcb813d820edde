import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { isStarlingError, messageOf, StarlingError, traceparentSchema } from '@starling/shared';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { AgentStatus } from '../core/index.ts';
import type { RuntimeHost } from '../core/ports/runtime-host.ts';

export interface ServePorts {
  host: RuntimeHost;
  status(): AgentStatus;
}

const IMAGE_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** The local HTTP server, on loopback only: push an image, get its result. @throws StarlingError `port-taken` */
export async function serveLocally(port: number, { host, status }: ServePorts): Promise<{ port: number; close(): Promise<void> }> {
  const app = new Hono();
  app.get('/v1/status', (context) => context.json(status()));
  app.post('/v1/infer', bodyLimit({ maxSize: IMAGE_BYTES_MAXIMUM }), async (context) => {
    const image = new Uint8Array(await context.req.arrayBuffer());
    // A header that is none of W3C Trace Context is as good as none (3.2.2).
    const traceparent = traceparentSchema.safeParse(context.req.header('traceparent')).data;
    return context.json(await host.infer(image, { signal: context.req.raw.signal, source: 'http', traceparent }));
  });
  app.onError((error, context) => {
    const known = isStarlingError(error);
    const status = known && error.retryable ? 503 : 422;
    return context.json(
      { code: known ? error.code : 'failed', detail: messageOf(error), ...(known ? { field: error.field, hint: error.hint } : {}) },
      status,
    );
  });
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint = 'set another httpPort (0 takes a free one)';
      reject(new StarlingError('port-taken', `port ${port} cannot be used: ${cause.message}`, { field: 'httpPort', hint, cause }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
