/** Folders, video files and cameras -> encoded images, one at a time -> whoever infers. */

export { watchFolder } from './folder.ts';
export type { Source, SourcePorts } from './source.ts';
export { readVideo } from './video.ts';
