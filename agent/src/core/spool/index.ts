/** Telemetry records -> files within a budget -> batches in order, kept until the fleet has stored them. */
export { openSpool, type Spool } from './spool.ts';
