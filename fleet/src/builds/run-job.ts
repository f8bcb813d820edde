import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isStarlingError, type ModelVersion, recipeLabel, StarlingError } from '@starling/shared';
import type { BuiltResult, RecipeRequest } from '../artefacts/index.ts';
import type { Database } from '../db/index.ts';
import { buildKey, usesCalibration } from './build-key.ts';
import type { BuildPorts } from './build-ports.ts';
import { checkRecipe } from './check-recipe.ts';
import { type NewArtefact, publishArtefact, publishCopy } from './publish-artefact.ts';
import type { ProgressReporter } from './report-progress.ts';
import { type BuildModel, buildModelOf, findEqualArtefact, insertArtefact, type JobRow, newestVersionOf, updateOwned } from './store.ts';
import { toolVersions } from './tools.ts';

export interface JobRun {
  job: JobRow;
  owner: string;
  signal: AbortSignal;
  report: ProgressReporter;
}

/** What came of a job. */
type Outcome =
  | { kind: 'artefact'; artefact: NewArtefact; reused: boolean }
  | { kind: 'known'; digest: string }
  | { kind: 'nothing'; note: string };

/** Codes that mean that a recipe which every version gets has nothing to do here. Whoever asked for it by name is told it as a failure. */
const nothingToDo = new Set(['recipe-does-not-fit', 'already-quantised', 'method-unavailable', 'model-too-large']);

/**
 * Runs a job to its end and records it.
 * @throws StarlingError `lease-lost` if the job is no longer ours, and whatever went wrong
 */
export async function runJob(run: JobRun, ports: BuildPorts): Promise<void> {
  const outcome = await makeArtefact(run, ports);
  run.report.progress(100, outcome.kind === 'nothing' ? 'nothing to gain' : 'done');
  await run.report.end();
  await ports.db.transaction(async (tx) => {
    if (outcome.kind === 'artefact') await insertArtefact(tx, outcome.artefact);
    const atMs = ports.clock.nowMs();
    const kept = await updateOwned(tx as Database, { id: run.job.id, owner: run.owner }, { ...endOf(outcome), ...ended(atMs) });
    // Rolled back: whoever took the job over, or cancelled it, decides what becomes of it.
    if (!kept) throw new StarlingError('lease-lost', 'the build was cancelled or taken over');
  });
}

function endOf(outcome: Outcome) {
  const done = { state: 'done' as const, progress: 100, error: null };
  if (outcome.kind === 'nothing') return { ...done, step: 'nothing to gain', note: outcome.note };
  if (outcome.kind === 'known') return { ...done, step: 'the same as before', artefactDigest: outcome.digest, reused: true };
  const { artefact, reused } = outcome;
  return { ...done, step: reused ? 'the same as before' : 'done', artefactDigest: artefact.digest, reused };
}

export function ended(atMs: number) {
  return { leaseOwner: null, leaseExpiresAtMs: null, updatedAtMs: atMs, endedAtMs: atMs };
}

async function makeArtefact({ job, signal, report }: JobRun, ports: BuildPorts): Promise<Outcome> {
  const { db } = ports;
  const model = await buildModelOf(db, job.modelDigest);
  if (model === undefined) throw new StarlingError('not-found', `there is no model version ${job.modelDigest}`, { field: 'model' });
  const tools = toolVersions();
  const key = buildKey(job.recipe, model.document, tools);
  report.line(`${model.name}@${model.version}, ${recipeLabel(job.recipe)}, attempt ${job.attempts}`);
  report.line(`tools: ${Object.entries(tools).flat().join(' ')}; build key ${key}`);
  const equal = await findEqualArtefact(db, key, model.digest);
  if (equal?.modelDigest === model.digest) {
    report.line(`an equal build gave artefact ${equal.digest}: nothing is built`);
    return { kind: 'known', digest: equal.digest };
  }
  if (equal !== undefined) {
    report.line(`an equal build of ${equal.document.model}@${equal.document.modelVersion} gave the same bytes: only the manifest is new`);
    return { kind: 'artefact', artefact: await publishCopy(equal, model, key, ports), reused: true };
  }
  try {
    checkRecipe(job.recipe, model.document, model.operators ?? undefined);
    const artefact = await inDirectory(join(ports.directory, 'builds'), async (directory) => {
      const built = await runWorker({ job, signal, report }, model, directory, ports);
      report.progress(97, 'store and sign');
      return publishArtefact(built, { model, recipe: job.recipe, key, tools }, ports);
    });
    return { kind: 'artefact', artefact, reused: false };
  } catch (error) {
    if (!isStarlingError(error) || !nothingToDo.has(error.code) || job.requestedBy !== null) throw error;
    report.line(error.message);
    return { kind: 'nothing', note: error.message };
  }
}

async function runWorker(
  { job, signal, report }: Omit<JobRun, 'owner'>,
  model: BuildModel,
  directory: string,
  { db, blobs, builder }: BuildPorts,
): Promise<BuiltResult> {
  const { source, weights, datasets, card } = model.document;
  const exported = async (manifest: string, name: string): Promise<string> => {
    const file = join(directory, name);
    await blobs.exportFile(manifest, file);
    signal.throwIfAborted();
    return file;
  };
  const file = await exported(source.manifest, 'source.onnx');
  if (weights !== undefined) await exported(weights.manifest, weights.digest);
  const calibration = usesCalibration(job.recipe) ? datasets?.calibration : undefined;
  const evaluation = datasets?.evaluation;
  const outputDirectory = join(directory, 'output');
  await mkdir(outputDirectory);
  const request = {
    ...(weights === undefined ? {} : { weights: weights.digest }),
    ...{ file, recipe: job.recipe, exampleShapes: card.exampleShapes ?? {}, outputDirectory },
    ...(card.exampleRanges === undefined ? {} : { exampleRanges: card.exampleRanges }),
    model: {
      name: model.name,
      assets: await exportAssets(model.document, exported),
      ...(card.labels === undefined ? {} : { labels: card.labels }),
    },
    companions: calibration === undefined && evaluation === undefined ? {} : await exportCompanions(model, db, exported),
    ...(card.evaluation === undefined ? {} : { evaluation: card.evaluation }),
    ...(calibration === undefined ? {} : { calibrationArchive: await exported(calibration.manifest, 'calibration.zip') }),
    ...(evaluation === undefined ? {} : { evaluationArchive: await exported(evaluation.manifest, 'evaluation.zip') }),
  };
  return builder.build(request, {
    signal,
    onProgress: (percent, step) => report.progress(percent, step),
    onLog: (line) => report.line(line),
  });
}

type Export = (manifest: string, name: string) => Promise<string>;

async function exportAssets(
  { name: model, assets }: Pick<ModelVersion, 'name' | 'assets'>,
  exported: Export,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { name, manifest } of assets) files[name] = await exported(manifest, `${model}-${name}`);
  return files;
}

/** The other models of the card's pipeline, each in its newest version: what the samples go through on their way. */
async function exportCompanions(model: BuildModel, db: Database, exported: Export): Promise<RecipeRequest['companions']> {
  const companions: RecipeRequest['companions'] = {};
  const nodes = Object.values(model.document.card.evaluation?.pipeline?.nodes ?? {});
  for (const name of new Set(nodes.flatMap((node) => ('model' in node && node.model !== model.name ? [node.model] : [])))) {
    const found = await newestVersionOf(db, name);
    if (found === undefined) {
      throw new StarlingError('unknown-model', `the pipeline of the card runs ${name}, which this fleet does not have`, {
        field: 'card.evaluation.pipeline',
        hint: `push ${name} first, then build again`,
      });
    }
    const { source, weights } = found.document;
    const file = await exported(source.manifest, `${name}.onnx`);
    if (weights !== undefined) await exported(weights.manifest, weights.digest);
    companions[name] = { file, assets: await exportAssets(found.document, exported) };
  }
  return companions;
}

async function inDirectory<Result>(parent: string, work: (directory: string) => Promise<Result>): Promise<Result> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(parent, 'build-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
