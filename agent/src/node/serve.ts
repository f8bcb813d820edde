import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { isStarlingError, messageOf, StarlingError, traceparentSchema } from '@starling/shared';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { AgentStatus } from '../core/index.ts';
import type { RuntimeHost } from '../core/ports/runtime-host.ts';
import type { PushEndpoints } from './sources/index.ts';

export interface ServePorts {
  host: RuntimeHost;
  status(): AgentStatus;
  endpoints: PushEndpoints;
}

const IMAGE_BYTES_MAXIMUM = 64 * 1024 * 1024;

const statusOf: Readonly<Record<string, 404 | 413 | 415>> = { 'unknown-source': 404, 'body-too-large': 413, 'unsupported-type': 415 };

/** @throws StarlingError `body-too-large`, before the rest of it is read */
async function readBody(request: Request, maximumBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request.body ?? []) {
    length += piece.length;
    if (length > maximumBytes) {
      throw new StarlingError('body-too-large', `the body has more than ${maximumBytes} bytes`, {
        field: 'body',
        hint: 'send less, or raise maximumMegabytes of the source',
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** A header that is none of W3C Trace Context is as good as none (3.2.2). */
function traceparentOf(header: string | undefined): string | undefined {
  return traceparentSchema.safeParse(header).data;
}

/** The local HTTP server, on loopback only: push an image, get its result. @throws StarlingError `port-taken` */
export async function serveLocally(
  port: number,
  { host, status, endpoints }: ServePorts,
): Promise<{ port: number; close(): Promise<void> }> {
  const app = new Hono();
  app.get('/v1/status', (context) => context.json(status()));
  app.post('/v1/infer', bodyLimit({ maxSize: IMAGE_BYTES_MAXIMUM }), async (context) => {
    const image = new Uint8Array(await context.req.arrayBuffer());
    const traceparent = traceparentOf(context.req.header('traceparent'));
    const { stream, item } = context.req.query();
    const source = stream === undefined ? 'http' : `http/${stream}`;
    return context.json(await host.infer(image, { signal: context.req.raw.signal, source, traceparent, item }));
  });
  app.post('/v1/sources/:name', async (context) => {
    const endpoint = endpoints.find(context.req.param('name'));
    const body = await readBody(context.req.raw, endpoint.maximumBytes);
    const { stream, port, item } = context.req.query();
    const { signal } = context.req.raw;
    const headers = {
      contentType: context.req.header('content-type') ?? '',
      traceparent: traceparentOf(context.req.header('traceparent')),
    };
    const answer = await endpoint.take({ body, stream, port, item, signal, ...headers });
    return answer === undefined ? context.body(null, 202) : context.json(answer as Record<string, unknown>);
  });
  app.onError((error, context) => {
    const known = isStarlingError(error);
    const status = known ? (statusOf[error.code] ?? (error.retryable ? 503 : 422)) : 422;
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
