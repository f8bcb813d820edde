/** A path, an address or `hf://owner/name/file.onnx` -> a checked file on this disk, with where it came from. */
export { type ImportedFile, type ImportPorts, importFile } from './import-file.ts';
export { type ImportSource, parseImportSource } from './source.ts';
