/** Folders, cameras, brokers, requests, the clock -> items, as fast as the pipeline takes them -> the release that runs. */
export { createPushEndpoints, type PushEndpoints } from './endpoints.ts';
export { createSources, type OpenSources, type Sources, type SourcesPorts } from './open-sources.ts';
export type { PushedAt, Source, SourceSink } from './source.ts';
export { readTensor } from './tensor-body.ts';
export { watchFolder, watchVideo } from './watched.ts';
export { readWave } from './wave.ts';
