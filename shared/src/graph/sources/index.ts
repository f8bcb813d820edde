/** Kinds of input that a pipeline opens by itself, by field -> the table that the fleet checks pipelines against and agents implement. */
import type { z } from 'zod';
import type { SourceSignature } from '../signature.ts';
import { audioSources } from './audio.ts';
import { cameraSources } from './cameras.ts';
import { pushedSources } from './pushed.ts';
import { storedSources } from './stored.ts';

/** Sources of this version of Starling. */
export const sourceSignatures = {
  ...storedSources,
  ...cameraSources,
  ...pushedSources,
  ...audioSources,
} as const satisfies Record<string, SourceSignature>;

export type SourceName = keyof typeof sourceSignatures;
export type SourceParams<Name extends SourceName> = z.output<(typeof sourceSignatures)[Name]['params']>;

export const sourceRegistry: ReadonlyMap<string, SourceSignature> = new Map(Object.entries(sourceSignatures));
