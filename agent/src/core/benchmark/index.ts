/** Named artefacts -> pulled, verified, timed in a process apart while the device is idle enough -> benchmark records. */
export { type BenchmarkPorts, benchmark, namedArtefacts, tune } from './benchmark.ts';
export type { Tuned } from './tune-artefact.ts';
