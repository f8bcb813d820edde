/** Parts of a pipeline and who runs them -> items that travel to other devices, and their answers, each once and in order. */
export { type BoundParts, bindParts, type PlacedPipeline, requireEgress, type ShowParts } from './bind-parts.ts';
export { createGatekeeper, type Gatekeeper } from './gatekeeper.ts';
export { createPartStreams, type PartStreams } from './streams.ts';
export type { OpenPart, PartItem, PartOf } from './worker-streams.ts';
