/** Batches of records -> stored once, acknowledged after the commit -> figures, series and delivery counts, kept as long as there is room. */
export { EVERY_PROFILE } from './fleet-sums.ts';
export { createIngest, type Ingest, type IngestPorts } from './ingest.ts';
export { createLayerStore, type KeepMs, type LayerStore } from './layer-store.ts';
export { ensurePartitions } from './partitions.ts';
export { createTelemetryQueries, type TelemetryQueries } from './queries.ts';
export { createRetention, type OtherRows, type Retention } from './retention.ts';
export { bucketOf, HOUR_MS, ROLL_UP_MS, type RollUp, rollUp } from './roll-up.ts';
export { forgetTelemetry } from './store.ts';
