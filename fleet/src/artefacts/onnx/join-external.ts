import { dirname, resolve } from 'node:path';
import { isStarlingError } from '@starling/shared';
import { externalFiles } from './external-data.ts';
import { type OpenModel, openModel } from './read.ts';
import { type ModelPieces, modelPieces } from './write.ts';

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

function filesBeside(file: string): string[] {
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
