import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  DATASET_BYTES_MAXIMUM,
  type ModelCard,
  type ModelDatasets,
  type ModelVersion,
  StarlingError,
  type WeightsFile,
} from '@starling/shared';
import type { Builder } from '../artefacts/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import { checkDataset } from '../datasets/index.ts';

export interface CheckPorts {
  blobs: BlobStore;
  builder: Builder;
  directory: string;
}

/** An ONNX file, and its weights where they are apart: laid out beside it under their digest, as it names them. */
export function inspectUpload({ source, weights }: Pick<ModelVersion, 'source' | 'weights'>, ports: CheckPorts) {
  return withExported(source.manifest, 'model.onnx', ports, async (file) => {
    if (weights === undefined) return ports.builder.inspect(file);
    await ports.blobs.exportFile(weights.manifest, join(dirname(file), weights.digest));
    return ports.builder.inspect(file, weights.digest);
  });
}

/** @throws StarlingError `unknown-upload` */
export async function requireUpload(manifest: string, field: string, { blobs }: Pick<CheckPorts, 'blobs'>): Promise<WeightsFile> {
  const { digest, sizeBytes } = await blobs.readManifest(manifest).catch(() => {
    throw new StarlingError('unknown-upload', `there is no upload ${manifest}`, { field, hint: 'upload the file first' });
  });
  return { digest, sizeBytes, manifest };
}

export function checkExampleShapes(card: ModelCard, inputs: ModelVersion['inputs']): void {
  for (const [name, shape] of Object.entries(card.exampleShapes ?? {})) {
    const field = `card.exampleShapes.${name}`;
    const port = inputs.find((input) => input.name === name);
    if (port === undefined) {
      const known = inputs.map((input) => input.name).join(', ');
      throw new StarlingError('unknown-input', `the model has no input "${name}"`, { field, hint: `inputs: ${known}` });
    }
    const fits = shape.length === port.shape.length && port.shape.every((side, axis) => typeof side === 'string' || side === shape[axis]);
    if (!fits) throw new StarlingError('shape-mismatch', `[${shape.join()}] does not fit [${port.shape.join()}]`, { field });
  }
}

/** Largest magnitudes of whole numbers by element type; of 64 bits those that JSON says exactly. */
const WHOLE_BITS: Readonly<Record<string, number>> = {
  int8: 7,
  uint8: 8,
  int16: 15,
  uint16: 16,
  int32: 31,
  uint32: 32,
  int64: 53,
  uint64: 53,
};

export function checkExampleRanges(card: ModelCard, inputs: ModelVersion['inputs']): void {
  for (const [name, { minimum, maximum }] of Object.entries(card.exampleRanges ?? {})) {
    const field = `card.exampleRanges.${name}`;
    const port = inputs.find((input) => input.name === name);
    if (port === undefined) {
      const known = inputs.map((input) => input.name).join(', ');
      throw new StarlingError('unknown-input', `the model has no input "${name}"`, { field, hint: `inputs: ${known}` });
    }
    const bits = WHOLE_BITS[port.elementType];
    if (bits === undefined) throw new StarlingError('range-mismatch', `${port.elementType} has no whole numbers`, { field });
    const least = port.elementType.startsWith('u') ? 0 : -(2 ** bits);
    if (minimum >= least && maximum < 2 ** bits) continue;
    throw new StarlingError('range-mismatch', `${minimum} to ${maximum} does not fit ${port.elementType}`, { field });
  }
}

/** Of one sample no interval can be told, so every build would fail on it. */
const EVALUATION_SAMPLES_MINIMUM = 2;

/** @throws StarlingError `unknown-upload`, `labels-missing`, `pipeline-missing`, `evaluation-too-small`, and codes that start with `dataset-` */
export async function checkModelDatasets(datasets: ModelDatasets | undefined, card: ModelCard, ports: CheckPorts): Promise<void> {
  for (const [name, archive] of Object.entries(datasets ?? {})) {
    if (archive === undefined) continue;
    const field = `datasets.${name}`;
    const found = await ports.blobs.readManifest(archive.manifest).catch(() => undefined);
    if (found?.digest !== archive.digest) throw unknownUpload(field);
    if (found.sizeBytes > DATASET_BYTES_MAXIMUM) {
      throw new StarlingError('dataset-too-large', `the archive has ${found.sizeBytes} bytes, at most ${DATASET_BYTES_MAXIMUM} are taken`, {
        field,
        hint: 'use fewer or smaller samples',
      });
    }
    const { kind, samples, labels } = await withExported(archive.manifest, 'dataset.zip', ports, (file) => checkDataset(file, field));
    if (kind === 'images' && card.evaluation?.pipeline === undefined) {
      throw new StarlingError('pipeline-missing', 'images need a pipeline that turns them into inputs of the model', {
        field: 'card.evaluation.pipeline',
        hint: 'add the pipeline that will run the model to the card, or save the samples as .npy tensors',
      });
    }
    if (name === 'evaluation' && samples < EVALUATION_SAMPLES_MINIMUM) {
      throw new StarlingError(
        'evaluation-too-small',
        `one sample proves nothing: an interval needs at least ${EVALUATION_SAMPLES_MINIMUM}`,
        {
          field,
          hint: 'add samples: a few hundred tell a point of accuracy apart',
        },
      );
    }
    const { metric = 'similarity' } = card.evaluation ?? {};
    if (name === 'evaluation' && metric !== 'similarity' && labels < samples) {
      throw new StarlingError('labels-missing', `${samples - labels} of ${samples} samples have no label, and ${metric} needs them`, {
        field,
        hint: 'add them to labels.json, or use the metric similarity',
      });
    }
  }
}

export async function requireBlobs(document: ModelVersion, { blobs }: Pick<CheckPorts, 'blobs'>): Promise<void> {
  const wanted = [
    { field: 'source', digest: document.source.digest, manifest: document.source.manifest },
    ...(document.weights === undefined ? [] : [{ field: 'weights', ...document.weights }]),
    ...document.assets.map((asset) => ({ field: `assets.${asset.name}`, digest: asset.digest, manifest: asset.manifest })),
  ];
  for (const { field, digest, manifest } of wanted) {
    const found = await blobs.touch(manifest).catch(() => undefined);
    if (found?.digest !== digest) throw unknownUpload(field);
  }
}

function unknownUpload(field: string): StarlingError {
  return new StarlingError('unknown-upload', `no upload matches ${field}`, { field, hint: 'upload the file first' });
}

async function withExported<Result>(
  manifest: string,
  name: string,
  { blobs, directory }: CheckPorts,
  work: (file: string) => Promise<Result>,
): Promise<Result> {
  const temporary = await mkdtemp(join(directory, 'inspect-'));
  try {
    const file = join(temporary, name);
    await blobs.exportFile(manifest, file);
    return await work(file);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
