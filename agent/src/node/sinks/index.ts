/** Values that a pipeline gives to its sinks, and what the release lets leave -> brokers, web addresses, files. */
export { createSinks, type OpenSinks, type Sinks, type SinksPorts } from './open-sinks.ts';
export { jsonOf, pictureType } from './values.ts';
