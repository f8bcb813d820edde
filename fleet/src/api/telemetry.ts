import { api } from '@starling/shared';
import type { Ingest, Retention, TelemetryQueries } from '../telemetry/index.ts';
import { type ApiApp, route } from './route.ts';

export interface TelemetryPorts {
  telemetry: TelemetryQueries;
  retention: Pick<Retention, 'storage'>;
  ingest: Pick<Ingest, 'load'>;
}

export function telemetryRoutes(app: ApiApp, { telemetry, retention, ingest }: TelemetryPorts): void {
  route(app, api.listTelemetry, async ({ params, query }) => ({
    limit: query.limit,
    offset: query.offset,
    ...(await telemetry.list({ device: params.id, kind: query.kind, fromMs: query.fromMs, toMs: query.toMs }, query)),
  }));
  route(app, api.fleetSeries, ({ query }) => telemetry.fleetSeries(query.buckets));
  route(app, api.telemetryStorage, async () => ({ ...(await retention.storage()), load: ingest.load() }));
  route(app, api.telemetryHistory, async ({ query }) => ({
    limit: query.limit,
    offset: query.offset,
    ...(await telemetry.history(query)),
  }));
  route(app, api.summariseTelemetry, ({ params, query }) => telemetry.summary(params.id, query));
  route(app, api.telemetrySeries, async ({ params, query }) => ({ points: await telemetry.series(params.id, query) }));
}
