/** A configuration -> a running fleet; for those that start it in their own process, and for tests. */
export { openApiDocument } from './api/index.ts';
export { type Fleet, type FleetPorts, startFleet } from './app.ts';
export { systemClock } from './clock.ts';
export { configSchema, type FleetConfig, readConfig } from './config.ts';
export { letHeapGrow } from './heap-growth.ts';
export { systemIds } from './ids.ts';
