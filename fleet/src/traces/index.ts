/** Traces that devices have recorded, once they are stored -> an OpenTelemetry collector. */
export { createTraceExport, type TraceExport } from './export.ts';
