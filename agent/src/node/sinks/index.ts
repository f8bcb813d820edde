/** Values that a pipeline gives to its sinks, and what the release lets leave -> brokers, web addresses, files. */
export { createSinks, type OpenSinks, type Sinks } from './open-sinks.ts';
export type { SinkItem, SinkPorts } from './sink.ts';
