import { api } from '@starling/shared';
import type { Analysis } from '../analysis/index.ts';
import { gatesOf, type Rollouts } from '../rollouts/index.ts';
import { type ApiApp, route } from './route.ts';

export interface AnalysisRoutePorts {
  analysis: Analysis;
  rollouts: Rollouts;
}

export function analysisRoutes(app: ApiApp, { analysis, rollouts }: AnalysisRoutePorts): void {
  const { templates } = analysis;
  route(app, api.listAnalysisTemplates, async ({ query }) => ({
    limit: query.limit,
    offset: query.offset,
    ...(await templates.list(query)),
  }));
  route(app, api.showAnalysisTemplate, ({ params }) => templates.show(params.name));
  route(app, api.putAnalysisTemplate, ({ params, body, actor }) => templates.put(params.name, body.spec, actor));
  route(app, api.removeAnalysisTemplate, async ({ params, actor }) => {
    await templates.remove(params.name, actor);
    return {};
  });
  route(app, api.listRolloutMetrics, async ({ params }) => {
    const rollout = await rollouts.show(params.rollout);
    return { items: gatesOf(rollout, await analysis.ofRollout(rollout.id)) };
  });
  route(app, api.showMetricQueries, ({ params, query }) => analysis.queriesOf(params.rollout, params.metric, query));
}
