import { Readable } from 'node:stream';
import { api, fileEndpoints } from '@starling/shared';
import type { Captures } from '../captures/index.ts';
import { type ApiApp, fileRoute, route } from './route.ts';

export interface CaptureRoutePorts {
  captures: Captures;
}

export function captureRoutes(app: ApiApp, { captures }: CaptureRoutePorts): void {
  route(app, api.showCapture, ({ params }) => captures.show(params.id));
  fileRoute(app, fileEndpoints.downloadCapture, async ({ params, context }) => {
    const { name, bytes } = await captures.archive(params.id);
    return context.body(Readable.toWeb(Readable.from(bytes)) as ReadableStream<Uint8Array>, 200, {
      'content-type': fileEndpoints.downloadCapture.contentType,
      'content-disposition': `attachment; filename="${name}"`,
    });
  });
}
