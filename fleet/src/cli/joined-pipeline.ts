import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '@starling/shared';
import { checkPipelineFile } from './check-pipeline-file.ts';
import { readPipelineFile } from './pipeline-file.ts';
import { PipelineFileProblems } from './pipeline-problems.ts';

/** A pipeline file that names no other: the one that was given, or a copy with the others in it. */
export interface JoinedPipeline {
  path: string;
  isCopy: boolean;
  remove(): Promise<void>;
}

/** Mistakes that another value of a parameter may mend. */
const ofDefaults: readonly string[] = ['invalid-params', 'invalid-parameter', 'invalid-expression', 'type-mismatch'];

/**
 * For what reads a single file: puts into it the scripts and pipelines that it names.
 * @param ask a client of the fleet, for `name@version`; undefined where nobody is signed in
 * @param parameters values in place of the defaults, as they were typed
 * @throws StarlingError `bad-file`; `pipeline-has-problems`, with their places in each of the files
 */
export async function joinPipeline(
  file: string,
  ask: () => Promise<ApiClient | undefined>,
  parameters: readonly string[] = [],
): Promise<JoinedPipeline> {
  const alone = await readPipelineFile(file);
  const read = alone.problems.length === 0 || !alone.namesOthers ? alone : await readPipelineFile(file, await ask());
  // What is only tried needs no version.
  const value = { version: '0.0.0', ...read.value };
  const { document, problems } = checkPipelineFile({ ...read, value }, { models: new Map(), mayBeElsewhere: true });
  // A default that is none is no mistake of whoever gives another value: what runs the pipeline checks it with that.
  const isOfDefaults = ({ code }: { code: string }): boolean => parameters.length > 0 && ofDefaults.includes(code);
  if (document === undefined || !problems.every(isOfDefaults)) throw new PipelineFileProblems(file, problems);
  if (!alone.namesOthers) return { path: file, isCopy: false, remove: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), 'starling-pipeline-'));
  const path = join(folder, 'pipeline.json');
  await writeFile(path, JSON.stringify(value, undefined, 2));
  return { path, isCopy: true, remove: () => rm(folder, { recursive: true, force: true }) };
}
