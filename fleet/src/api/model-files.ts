import { Readable } from 'node:stream';
import { fileEndpoints, StarlingError } from '@starling/shared';
import type { Context } from 'hono';
import type { BlobStore } from '../blobs/index.ts';
import type { Models } from '../models/index.ts';
import { type ApiApp, fileRoute } from './route.ts';

export interface ModelFileRoutePorts {
  models: Models;
  blobs: BlobStore;
}

interface StoredFile {
  manifest: string;
  sizeBytes: number;
}

/** What a model version is made of, for people's own machines: the document as its publisher has signed it, and the files that it names. */
export function modelFileRoutes(app: ApiApp, { models, blobs }: ModelFileRoutePorts): void {
  const send = (context: Context, { manifest, sizeBytes }: StoredFile): Response => {
    const stream = Readable.toWeb(Readable.from(blobs.readBlob(manifest))) as ReadableStream<Uint8Array>;
    return context.body(stream, 200, { 'content-type': 'application/octet-stream', 'content-length': `${sizeBytes}` });
  };
  fileRoute(app, fileEndpoints.showModelDocument, async ({ params, context }) =>
    context.body((await models.signed(params.digest)).signed, 200, { 'content-type': fileEndpoints.showModelDocument.contentType }),
  );
  fileRoute(app, fileEndpoints.downloadModelSource, async ({ params, context }) =>
    send(context, (await models.signed(params.digest)).document.source),
  );
  fileRoute(app, fileEndpoints.downloadModelAsset, async ({ params, context }) => {
    const { assets } = (await models.signed(params.digest)).document;
    const asset = assets.find(({ name }) => name === params.asset);
    if (asset !== undefined) return send(context, asset);
    const known = assets.map(({ name }) => name).join(', ');
    throw new StarlingError('not-found', `the model version has no asset ${params.asset}`, {
      field: 'asset',
      hint: known === '' ? 'it has none' : `it has ${known}`,
    });
  });
}
