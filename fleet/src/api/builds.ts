import { api } from '@starling/shared';
import type { Builds } from '../builds/index.ts';
import { type ApiApp, route } from './route.ts';

export interface BuildRoutePorts {
  builds: Builds;
}

export function buildRoutes(app: ApiApp, { builds }: BuildRoutePorts): void {
  route(app, api.addBuild, ({ params, body, actor }) => builds.add(params.digest, body.recipe, actor));
  route(app, api.listBuilds, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await builds.list(query)) }));
  route(app, api.showBuild, ({ params }) => builds.show(params.id));
  route(app, api.listBuildLog, async ({ params, query }) => ({
    limit: query.limit,
    offset: query.offset,
    ...(await builds.log(params.id, query)),
  }));
  route(app, api.cancelBuild, ({ params, actor }) => builds.cancel(params.id, actor));
  route(app, api.retryBuild, ({ params, actor }) => builds.retry(params.id, actor));
  route(app, api.listArtefacts, async ({ query }) => ({
    limit: query.limit,
    offset: query.offset,
    ...(await builds.listArtefacts(query)),
  }));
  route(app, api.showArtefact, ({ params }) => builds.showArtefact(params.digest));
}
