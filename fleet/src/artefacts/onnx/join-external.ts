import { dirname, resolve } from 'node:path';
import { isStarlingError, MODEL_BYTES_MAXIMUM } from '@starling/shared';
import { externalFiles } from './external-data.ts';
import { type OpenModel, openModel } from './read.ts';
import { type ModelPieces, modelPieces, oneFileBytes } from './write.ts';
import { type PartedModel, partModel } from './write-apart.ts';

/** A model of several files as the one file that it would be. */
export interface JoinedModel extends ModelPieces {
  /** The other files, as the model names them. */
  files: string[];
  /** Nothing more can be read. */
  close(): void;
}

/**
 * Joins a model with the data that it keeps in other files of its folder. Of these no more than a piece is ever in memory.
 * @returns undefined for a model that is one file, and for what is no model
 * @throws StarlingError `external-data-missing`, `external-data-path`, `external-data-corrupt`; `model-too-large` if one file cannot hold it
 */
export function joinExternalData(file: string): JoinedModel | undefined {
  const files = filesBeside(file);
  if (files.length === 0) return undefined;
  const opened = openModel(file, { externalDirectory: dirname(resolve(file)) });
  try {
    return { files, ...modelPieces(opened.model), close: opened.close };
  } catch (error) {
    opened.close();
    throw error;
  }
}

export interface SplitModel extends PartedModel {
  close(): void;
}

/**
 * Splits a model, of one file or more, into its graph and its weights: those that are too large for one file, and others if that is wanted.
 * @returns undefined for a model that fits into one file, and for what is no model
 * @throws StarlingError `external-data-missing`, `external-data-path`, `external-data-corrupt`, `no-weights`, `model-too-large`
 */
export function splitModel(file: string, { always = false, bytesMaximum = MODEL_BYTES_MAXIMUM } = {}): SplitModel | undefined {
  if (!always && filesBeside(file).length === 0) return undefined;
  const opened = openModel(file, { externalDirectory: dirname(resolve(file)) });
  try {
    if (always || oneFileBytes(opened.model) > bytesMaximum) return { ...partModel(opened.model), close: opened.close };
    opened.close();
    return undefined;
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** The other files that a model keeps its data in, as it names them; they need not be there. None of what is no model. */
export function filesBeside(file: string): string[] {
  let opened: OpenModel;
  try {
    opened = openModel(file);
  } catch (error) {
    // What is wrong with a file that is no model is for whoever takes models to say.
    if (isStarlingError(error)) return [];
    throw error;
  }
  opened.close();
  return externalFiles(opened.model);
}
