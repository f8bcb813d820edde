/** Batches of records -> stored once, acknowledged after the commit -> figures, series and delivery counts. */
export { createIngest, type Ingest } from './ingest.ts';
export { createTelemetryQueries, type TelemetryQueries } from './queries.ts';
export { bucketOf, ROLL_UP_MS, type RollUp, rollUp } from './roll-up.ts';
export { forgetTelemetry } from './store.ts';
