/** Who wants to watch edges of a device, and what it sends of them -> streams of values for each viewer, until the last one is gone. */
export { createTaps, type Taps } from './taps.ts';
export type { TapViewer } from './viewers.ts';
