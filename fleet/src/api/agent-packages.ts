import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { api } from '@starling/shared';
import type { Packages } from '../packages/index.ts';
import { type ApiApp, route } from './route.ts';

export interface AgentPackagePorts {
  packages: Packages;
}

/** What a machine fetches before it has an agent; nothing of it is secret, and the installer checks all of it. */
export function agentPackageRoutes(app: ApiApp, { packages }: AgentPackagePorts): void {
  route(app, api.listAgentPackages, async () => ({ packages: await packages.list() }));
  app.get('/agent/install.sh', async (context) =>
    context.body(await packages.installer(), 200, { 'content-type': 'text/x-shellscript; charset=utf-8', 'cache-control': 'no-store' }),
  );
  app.get('/agent/packages/:file/signature', async (context) =>
    context.body(await packages.signature(context.req.param('file')), 200, { 'content-type': 'application/jose' }),
  );
  app.get('/agent/packages/:file', async (context) => {
    const { path, sizeBytes } = await packages.file(context.req.param('file'));
    const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
    return context.body(body, 200, { 'content-type': 'application/gzip', 'content-length': `${sizeBytes}` });
  });
}
