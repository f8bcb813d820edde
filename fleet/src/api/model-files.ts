import { Readable } from 'node:stream';
import { StarlingError } from '@starling/shared';
import type { Context } from 'hono';
import { requireRole, requireScope } from '../auth/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Models } from '../models/index.ts';
import type { ApiApp } from './route.ts';

export interface ModelFileRoutePorts {
  models: Models;
  blobs: BlobStore;
}

type Find = (version: Awaited<ReturnType<Models['signed']>>) => { manifest: string; sizeBytes: number } | undefined;

/** What a model version is made of, for people's own machines: the document as its publisher has signed it, and the files that it names. */
export function modelFileRoutes(app: ApiApp, { models, blobs }: ModelFileRoutePorts): void {
  const send = async (context: Context, find: Find): Promise<Response> => {
    const file = find(await versionFor(context, models));
    if (file === undefined)
      throw new StarlingError('not-found', 'the model version has no such file', {
        field: 'asset',
        hint: 'see the assets of its document',
      });
    const stream = Readable.toWeb(Readable.from(blobs.readBlob(file.manifest))) as ReadableStream<Uint8Array>;
    return context.body(stream, 200, { 'content-type': 'application/octet-stream', 'content-length': `${file.sizeBytes}` });
  };
  app.get('/models/:digest/document', async (context) =>
    context.body((await versionFor(context, models)).signed, 200, { 'content-type': 'application/jose' }),
  );
  app.get('/models/:digest/source', (context) => send(context, ({ document }) => document.source));
  app.get('/models/:digest/assets/:asset', (context) =>
    send(context, ({ document }) => document.assets.find(({ name }) => name === context.req.param('asset'))),
  );
}

async function versionFor(context: Context, models: Models): ReturnType<Models['signed']> {
  const actor = context.get('actor');
  if (actor === undefined) throw new StarlingError('not-signed-in', 'this needs a login', { hint: 'sign in, or send an API token' });
  requireRole(actor, 'operator');
  requireScope(actor, 'models:read');
  return models.signed(context.req.param('digest') ?? '');
}
