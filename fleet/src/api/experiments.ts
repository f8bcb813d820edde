import { api } from '@starling/shared';
import type { Experiments } from '../experiments/index.ts';
import type { Feedback } from '../feedback/index.ts';
import { type ApiApp, route } from './route.ts';

export interface ExperimentRoutePorts {
  experiments: Experiments;
  feedback: Feedback;
}

export function experimentRoutes(app: ApiApp, { experiments, feedback }: ExperimentRoutePorts): void {
  route(app, api.previewExperiment, ({ body }) => experiments.preview(body.spec, body.all));
  route(app, api.createExperiment, ({ body, actor }) => experiments.create(body.spec, body.all, actor));
  route(app, api.listExperiments, async ({ query }) => ({ ...(await experiments.list(query)), limit: query.limit, offset: query.offset }));
  route(app, api.showExperiment, ({ params }) => experiments.show(params.id));
  route(app, api.listExperimentDevices, async ({ params, query }) => ({ ...(await experiments.devices(params.id, query)), ...query }));
  route(app, api.listExperimentEvents, async ({ params, query }) => ({ ...(await experiments.timeline(params.id, query)), ...query }));
  route(app, api.listExperimentLooks, async ({ params, query }) => ({ ...(await experiments.looks(params.id, query)), ...query }));
  route(app, api.showArmOfItem, ({ params, query }) => experiments.armOf(params.id, query.key));
  route(app, api.actOnExperiment, ({ params, body: { action, ...options }, actor }) => experiments.act(params.id, action, options, actor));
  route(app, api.sendFeedback, ({ body, actor }) => feedback.add(body.items, actor));
}
