/** A path, an address or `hf://owner/name/file.onnx` -> a checked file on this disk, with where it came from. */
export { type ImportedFile, importFile } from './import-file.ts';
export type { ImportPorts } from './ports.ts';
export { type ImportSource, parseImportSource } from './source.ts';
