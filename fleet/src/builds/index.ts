/** A model version and recipes -> queued jobs, each run in a worker process, taken up again after any end -> signed artefacts. */
export { type Builds, createBuilds } from './builds.ts';
export type { BuildModel } from './store.ts';
