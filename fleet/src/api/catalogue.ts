import { api, StarlingError } from '@starling/shared';
import type { Models, Uploads } from '../models/index.ts';
import type { Pipelines } from '../pipelines/index.ts';
import type { Releases } from '../releases/index.ts';
import { type ApiApp, route } from './route.ts';

export interface CataloguePorts {
  models: Models;
  uploads: Uploads;
  pipelines: Pipelines;
  releases: Releases;
}

export function catalogueRoutes(app: ApiApp, { models, uploads, pipelines, releases }: CataloguePorts): void {
  route(app, api.upload, ({ query, context, actor }) => {
    const { body } = context.req.raw;
    if (body === null)
      throw new StarlingError('empty-upload', 'the request has no body', { field: 'body', hint: 'send the bytes of the file' });
    const declared = context.req.header('content-length');
    return uploads.receive(body, declared === undefined ? undefined : Number(declared), query.kind, actor);
  });
  route(app, api.draftModel, async ({ body }) => ({ document: await models.draft(body) }));
  route(app, api.createModel, ({ body, actor }) => models.register(body.signed, actor));
  route(app, api.listModels, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await models.list(query)) }));
  route(app, api.showModel, ({ params }) => models.show(params.digest));
  route(app, api.checkPipeline, async ({ body }) => ({ problems: await pipelines.check(body.document) }));
  route(app, api.createPipeline, ({ body, actor }) => pipelines.register(body.signed, actor));
  route(app, api.listPipelines, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await pipelines.list(query)) }));
  route(app, api.showPipeline, ({ params }) => pipelines.show(params.digest));
  route(app, api.draftRelease, async ({ body }) => ({ document: await releases.draft(body) }));
  route(app, api.createRelease, ({ body, actor }) => releases.register(body.signed, actor));
  route(app, api.listReleases, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await releases.list(query)) }));
  route(app, api.showRelease, ({ params }) => releases.show(params.digest));
}
