import { api } from '@starling/shared';
import type { DesiredStates } from '../desired-state/index.ts';
import type { Measurements } from '../measurements/index.ts';
import type { Measuring } from '../measuring/index.ts';
import type { Models } from '../models/index.ts';
import { type ApiApp, route } from './route.ts';

export interface ChoicePorts {
  models: Models;
  desiredStates: DesiredStates;
  measurements: Measurements;
  measuring: Measuring;
}

export function choiceRoutes(app: ApiApp, { models, desiredStates, measurements, measuring }: ChoicePorts): void {
  route(app, api.modelFigures, async ({ params }) => {
    const { artefacts } = await models.show(params.digest);
    return measurements.figures(artefacts.map(({ digest }) => digest));
  });
  route(app, api.measurePlan, async ({ query }) => ({ ...(await measuring.plan(query)), settings: measuring.settings }));
  route(app, api.listMeasuringRequests, async ({ params }) => ({ items: await measuring.requests(params.digest) }));
  route(app, api.requestMeasuring, async ({ params, body, actor }) => ({ items: await measuring.request(params.digest, body, actor) }));
  route(app, api.withdrawMeasuring, async ({ params, actor }) => {
    await measuring.withdraw(params.digest, actor);
    return {};
  });
  route(app, api.explainChoice, ({ params, query }) => desiredStates.explain(params.id, params.model, query.release));
  route(app, api.previewChoices, ({ body, query }) => desiredStates.preview(body.release, body.objective, query));
  route(app, api.listProposals, ({ query }) => desiredStates.proposals(query));
  route(app, api.applyProposals, async ({ body, actor }) => ({ changed: await desiredStates.applyProposals(body.devices, actor) }));
  route(app, api.showObjective, ({ params }) => desiredStates.objective(params.digest));
  route(app, api.setObjective, ({ params, body, actor }) => desiredStates.setObjective(params.digest, body.objective, actor));
}
