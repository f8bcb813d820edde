/** Digests that are wanted -> chunks asked for in a window, verified one by one -> documents and blobs on disk. */
export { createPuller, type Puller, type PullProgress } from './puller.ts';
