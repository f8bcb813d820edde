import { api } from '@starling/shared';
import type { TelemetryQueries } from '../telemetry/index.ts';
import { type ApiApp, route } from './route.ts';

export interface TelemetryPorts {
  telemetry: TelemetryQueries;
}

export function telemetryRoutes(app: ApiApp, { telemetry }: TelemetryPorts): void {
  route(app, api.listTelemetry, async ({ params, query }) => ({
    limit: query.limit,
    offset: query.offset,
    ...(await telemetry.list({ device: params.id, kind: query.kind, fromMs: query.fromMs, toMs: query.toMs }, query)),
  }));
  route(app, api.fleetSeries, async ({ query }) => ({ points: await telemetry.fleetSeries(query.buckets) }));
  route(app, api.summariseTelemetry, ({ params, query }) => telemetry.summary(params.id, query));
  route(app, api.telemetrySeries, async ({ params, query }) => ({ points: await telemetry.series(params.id, query) }));
}
