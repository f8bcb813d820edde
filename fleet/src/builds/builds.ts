import {
  type Actor,
  type ArtefactDetail,
  type ArtefactListItem,
  type ArtefactView,
  artefactFiles,
  type BuildJob,
  type BuildLogLine,
  type BuildRecipe,
  type ModelView,
  type PageQuery,
  recipeLabel,
  StarlingError,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Queryable } from '../db/index.ts';
import { canonicalRecipe, recipeDigest } from './build-key.ts';
import type { BuildPorts } from './build-ports.ts';
import { checkRecipe } from './check-recipe.ts';
import { defaultRecipes } from './default-recipes.ts';
import { describeArtefact } from './describe-artefact.ts';
import { createBuildQueue } from './queue.ts';
import {
  allArtefactDocuments,
  artefactByDigest,
  artefactsOfModel,
  artefactWithModel,
  type BuildModel,
  buildModelOf,
  cancelJob,
  findJob,
  findOpenJob,
  insertJob,
  type JobFilter,
  jobsOfModel,
  listArtefacts,
  listJobs,
  listLog,
  requeueJob,
} from './store.ts';

/** Builds, queued and run, and the artefacts that they gave. */
export interface Builds {
  /** Queues what every model version gets; part of the transaction that makes the version. Call `wake` after it. */
  addDefaults(tx: Queryable, model: BuildModel): Promise<void>;
  /** Queues one recipe. One that waits or runs already is answered as it is. */
  add(modelDigest: string, recipe: BuildRecipe, actor: Actor): Promise<BuildJob>;
  list(filter: JobFilter): Promise<{ items: BuildJob[]; total: number }>;
  show(id: string): Promise<BuildJob>;
  log(id: string, page: PageQuery & { after: number }): Promise<{ items: BuildLogLine[]; total: number }>;
  cancel(id: string, actor: Actor): Promise<BuildJob>;
  retry(id: string, actor: Actor): Promise<BuildJob>;
  /** What a model version has, and is to get. */
  ofModel(model: Pick<BuildModel, 'digest' | 'name' | 'version'>): Promise<Pick<ModelView, 'artefacts' | 'builds'>>;
  artefacts(modelDigest: string): Promise<ArtefactView[]>;
  artefact(digest: string): Promise<ArtefactView | undefined>;
  listArtefacts(page: PageQuery & { model?: string | undefined }): Promise<{ items: ArtefactListItem[]; total: number }>;
  showArtefact(digest: string): Promise<ArtefactDetail>;
  /** Digests of all chunks that artefacts are made of. */
  references(): Promise<Set<string>>;
  start(): Promise<void>;
  wake(): void;
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function createBuilds(ports: BuildPorts): Promise<Builds> {
  const { db, clock, events } = ports;
  const queue = await createBuildQueue(ports);
  const show = async (id: string): Promise<BuildJob> => {
    const job = await findJob(db, id);
    if (job === undefined)
      throw new StarlingError('not-found', `there is no build ${id}`, { field: 'id', hint: 'see "starling build ls"' });
    return job;
  };
  const tell = (id: string, state: BuildJob['state']): void =>
    events.publish({ type: 'build', id, atMs: clock.nowMs(), detail: { state } });
  return {
    async addDefaults(tx, model) {
      const recipes = defaultRecipes(model.document, model.operators ?? []).filter(({ method }) => ports.methods.includes(method));
      for (const recipe of recipes) await insertRecipe(tx, model, recipe, null, ports);
    },
    add: (modelDigest, recipe, actor) => addRecipe(modelDigest, recipe, actor, ports, { show, wake: queue.wake, tell }),
    list: (filter) => listJobs(db, filter),
    show,
    async log(id, page) {
      await show(id);
      return listLog(db, id, page);
    },
    async cancel(id, actor) {
      const job = await show(id);
      const cancelled = await db.transaction(async (tx) => {
        const problem = { code: 'cancelled', message: `the build was cancelled by ${actor.name}` };
        if (!(await cancelJob(tx, id, problem, clock.nowMs()))) return false;
        await appendAudit(tx, clock, actor, 'build.cancel', `${job.model}@${job.version}`, { build: id, recipe: job.label });
        return true;
      });
      if (!cancelled)
        throw new StarlingError('not-running', `the build is ${job.state}`, {
          field: 'id',
          hint: 'only what waits or runs can be cancelled',
        });
      queue.stop(id);
      tell(id, 'cancelled');
      return show(id);
    },
    async retry(id, actor) {
      const job = await show(id);
      if (job.state === 'done')
        throw new StarlingError('already-done', 'the build is done', { field: 'id', hint: 'its result never changes' });
      const queued = await db.transaction(async (tx) => {
        if (!(await requeueJob(tx, id, clock.nowMs()))) return false;
        await appendAudit(tx, clock, actor, 'build.retry', `${job.model}@${job.version}`, { build: id, recipe: job.label });
        return true;
      });
      if (!queued) throw new StarlingError('still-running', 'the build has not ended', { field: 'id', hint: 'cancel it first' });
      tell(id, 'queued');
      queue.wake();
      return show(id);
    },
    async ofModel(model) {
      // Jobs first: whoever sees a build done sees its artefact with it.
      const builds = await jobsOfModel(db, model);
      return { artefacts: await artefactsOfModel(db, model.digest), builds };
    },
    artefacts: (modelDigest) => artefactsOfModel(db, modelDigest),
    artefact: (digest) => artefactByDigest(db, digest),
    listArtefacts: (page) => listArtefacts(db, page),
    async showArtefact(digest) {
      const found = await artefactWithModel(db, digest);
      if (found === undefined)
        throw new StarlingError('not-found', `there is no artefact ${digest}`, { field: 'digest', hint: 'see "starling artefact ls"' });
      return describeArtefact(found.artefact, found.model);
    },
    references: () => referencesOf(ports),
    start: queue.start,
    wake: queue.wake,
    idle: queue.idle,
    close: queue.close,
  };
}

async function addRecipe(
  modelDigest: string,
  recipe: BuildRecipe,
  actor: Actor,
  ports: BuildPorts,
  { show, wake, tell }: { show(id: string): Promise<BuildJob>; wake(): void; tell(id: string, state: BuildJob['state']): void },
): Promise<BuildJob> {
  const { db, clock } = ports;
  const model = await buildModelOf(db, modelDigest);
  if (model === undefined) throw new StarlingError('not-found', `there is no model version ${modelDigest}`, { field: 'digest' });
  checkRecipe(recipe, model.document, model.operators ?? undefined);
  const open = await findOpenJob(db, modelDigest, recipeDigest(recipe));
  if (open !== undefined) return show(open);
  const id = await db.transaction(async (tx) => {
    const job = await insertRecipe(tx, model, recipe, actor.name, ports);
    await appendAudit(tx, clock, actor, 'build.add', `${model.name}@${model.version}`, { build: job, recipe: recipeLabel(recipe) });
    return job;
  });
  tell(id, 'queued');
  wake();
  return show(id);
}

async function insertRecipe(
  tx: Queryable,
  model: BuildModel,
  recipe: BuildRecipe,
  requestedBy: string | null,
  { ids, clock }: BuildPorts,
): Promise<string> {
  const id = ids.next();
  const job = { id, modelDigest: model.digest, recipe: canonicalRecipe(recipe), recipeDigest: recipeDigest(recipe), requestedBy };
  await insertJob(tx, job, clock.nowMs());
  return id;
}

async function referencesOf({ db, blobs }: BuildPorts): Promise<Set<string>> {
  const used = new Set<string>();
  for (const { digest, document } of await allArtefactDocuments(db)) {
    used.add(digest);
    if (document.golden !== undefined) used.add(document.golden.digest);
    for (const { manifest } of artefactFiles(document)) for (const chunk of await blobs.reachable(manifest)) used.add(chunk);
  }
  return used;
}
