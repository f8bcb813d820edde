import { Readable } from 'node:stream';
import { api, captureArchivePath, neededScope, StarlingError } from '@starling/shared';
import { requireRole, requireScope } from '../auth/index.ts';
import type { Captures } from '../captures/index.ts';
import { type ApiApp, route } from './route.ts';

export interface CaptureRoutePorts {
  captures: Captures;
}

export function captureRoutes(app: ApiApp, { captures }: CaptureRoutePorts): void {
  route(app, api.showCapture, ({ params }) => captures.show(params.id));
  app.get(captureArchivePath(':id'), async (context) => {
    const actor = context.get('actor');
    if (actor === undefined) throw new StarlingError('not-signed-in', 'this needs a login', { hint: 'sign in, or send an API token' });
    requireRole(actor, api.showCapture.access);
    requireScope(actor, neededScope(api.showCapture));
    const { name, bytes } = await captures.archive(context.req.param('id') ?? '');
    return context.body(Readable.toWeb(Readable.from(bytes)) as ReadableStream<Uint8Array>, 200, {
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename="${name}"`,
    });
  });
}
