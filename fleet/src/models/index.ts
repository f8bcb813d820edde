/** Uploaded ONNX files with their cards -> checked, signed, immutable model versions -> artefacts built for devices. */
export { createModels, type Models } from './models.ts';
export { createUploads, type Uploads } from './uploads.ts';
