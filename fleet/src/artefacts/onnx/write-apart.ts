import { createHash, type Hash } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MODEL_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import type { Payload } from './payload.ts';
import type { ModelProto } from './proto.ts';
import {
  dataPieces,
  graphPieces,
  type ModelPieces,
  oneFileBytes,
  ownPieces,
  type Placements,
  placedBytes,
  placeTensors,
  writeFileOf,
  writeModelFile,
} from './write.ts';

/**
 * A model in two parts: its graph, and its larger tensors in a file of weights that the graph names by SHA-256. Whoever trusts the digest
 * of the graph so trusts the weights, and files that are kept by their digests lie where a runtime looks for them.
 */
export interface PartedModel {
  graph: ModelPieces;
  weights: ModelPieces & { digest: string };
}

/** @throws StarlingError `no-weights` if there is nothing to put apart, `model-too-large` if the graph alone is too large for protobuf */
export function partModel(model: ModelProto): PartedModel {
  const placements = placeTensors(model, '');
  const byteLength = placedBytes(placements);
  if (byteLength === 0) {
    throw new StarlingError('no-weights', 'the model has no tensor that is large enough to be kept apart', {
      field: 'model',
      hint: 'push it as one file',
    });
  }
  const hash = createHash('sha256');
  for (const piece of ownPieces(dataPieces(placements))) hash.update(piece);
  const digest = hash.digest('hex');
  return {
    graph: graphPieces(model, locatedIn(digest, placements)),
    weights: { digest, byteLength, pieces: () => ownPieces(dataPieces(placements)) },
  };
}

function locatedIn(location: string, placements: Placements): Placements {
  return new Map([...placements].map(([tensor, placement]) => [tensor, { ...placement, location }]));
}

/** Files that hold a model between them. */
export interface ModelFiles {
  file: string;
  /** Its weights, if they are apart: a file beside it under its SHA-256. */
  weights?: { file: string; digest: string };
}

/**
 * Writes a model, and its weights beside it if one file would be larger than it may be. Never holds more than one tensor.
 * @param bytesMaximum of one file: that of protobuf, or less
 * @throws StarlingError `model-too-large`
 */
export function writeModelFiles(model: ModelProto, file: string, bytesMaximum: number = MODEL_BYTES_MAXIMUM): ModelFiles {
  const placements = oneFileBytes(model) > bytesMaximum ? placeTensors(model, '') : new Map();
  if (placements.size === 0) {
    writeModelFile(model, file, { externalData: 'never' });
    return { file };
  }
  const unnamed = `${file}.weights`;
  const hash = createHash('sha256');
  try {
    writeFileOf(unnamed, hashed(dataPieces(placements), hash));
    const digest = hash.digest('hex');
    writeFileOf(file, graphPieces(model, locatedIn(digest, placements)).pieces());
    const weights = join(dirname(file), digest);
    renameSync(unnamed, weights);
    return { file, weights: { file: weights, digest } };
  } catch (error) {
    rmSync(unnamed, { force: true });
    throw error;
  }
}

function* hashed(pieces: Iterable<Uint8Array | Payload>, hash: Hash): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (const part of piece instanceof Uint8Array ? [piece] : piece.pieces()) {
      hash.update(part);
      yield part;
    }
  }
}
