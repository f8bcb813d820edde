import { api } from '@starling/shared';
import type { Rollouts } from '../rollouts/index.ts';
import { type ApiApp, route } from './route.ts';

export interface RolloutRoutePorts {
  rollouts: Rollouts;
}

export function rolloutRoutes(app: ApiApp, { rollouts }: RolloutRoutePorts): void {
  route(app, api.previewRollout, ({ body }) => rollouts.preview(body.spec, body.all));
  route(app, api.createRollout, ({ body, actor }) => rollouts.create(body.spec, body.all, actor));
  route(app, api.listRollouts, async ({ query }) => ({ ...(await rollouts.list(query)), limit: query.limit, offset: query.offset }));
  route(app, api.stopAllRollouts, async ({ body, actor }) => ({ stopped: await rollouts.stopAll(body.reason, actor) }));
  route(app, api.showRollout, ({ params }) => rollouts.show(params.id));
  route(app, api.listRolloutTargets, async ({ params, query }) => ({
    ...(await rollouts.targets(params.id, query)),
    ...{ limit: query.limit, offset: query.offset },
  }));
  route(app, api.listRolloutEvents, async ({ params, query }) => ({
    ...(await rollouts.timeline(params.id, query)),
    ...{ limit: query.limit, offset: query.offset },
  }));
  route(app, api.actOnRollout, ({ params, body: { action, ...options }, actor }) => rollouts.act(params.id, action, options, actor));
}
