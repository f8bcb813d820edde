import {
  type Actor,
  artefactFiles,
  checkParameterValues,
  DOCUMENT_BYTES_MAXIMUM,
  type EgressPolicy,
  modelNamesOf,
  OUTPUT_NODE,
  operatorsNeededBy,
  type PageQuery,
  type ParameterValues,
  type Pipeline,
  type Policies,
  PROTOCOL_VERSION,
  parametersFor,
  type Release,
  type ReleaseView,
  releaseSchema,
  StarlingError,
  sha256Hex,
  verifyDocument,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Models } from '../models/index.ts';
import { PipelineProblems, type Pipelines } from '../pipelines/index.ts';
import type { Clock, EventBus } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { planRelease, type ReleasePlan, requirePlacement, requireStreams } from './release-plan.ts';
import { allReleases, findRelease, insertRelease, listReleases, type ReleaseRow } from './store.ts';

export interface ReleaseDraft {
  name: string;
  /** `name` or `name@version`. */
  pipeline: string;
  /** Further pipelines, that run at the same time. */
  alongside?: readonly string[] | undefined;
  models: Record<string, string>;
  parameters?: ParameterValues | undefined;
  policies?: Policies | undefined;
  requiredProviders?: string[] | undefined;
}

export interface Releases {
  draft(draft: ReleaseDraft): Promise<Release>;
  register(signed: string, actor: Actor): Promise<ReleaseView>;
  list(page: PageQuery & { search?: string | undefined }): Promise<{ items: ReleaseView[]; total: number }>;
  show(reference: string): Promise<ReleaseView>;
  /** By digest or name. @throws StarlingError `unknown-release` */
  find(reference: string): Promise<ReleaseRow>;
  /** Everything that a device with this release may fetch: documents, manifests, chunks of all its artefacts and assets. */
  reachable(digest: string): Promise<ReadonlySet<string>>;
  /** Which machines it needs, and for what. */
  plan(digest: string): Promise<ReleasePlan>;
  /**
   * What may be looked at in one of its pipelines, where the policy allows it: the ports, and the outputs as `output.NAME`.
   * @param pipeline the main one if not given
   * @throws StarlingError `unknown-pipeline`
   */
  edges(reference: string, pipeline?: string): Promise<{ edges: string[]; prefix: string }>;
  /** A model of some release has new artefacts. */
  forgetReachable(): void;
  references(): Promise<string[]>;
}

interface ReleasePorts {
  db: Database;
  blobs: BlobStore;
  models: Models;
  pipelines: Pipelines;
  keyring: Keyring;
  clock: Clock;
  events: EventBus;
  /** Devices per release that should run it. */
  countDevices: () => Promise<ReadonlyMap<string, number>>;
}

export function createReleases(ports: ReleasePorts): Releases {
  const { db, blobs, models, pipelines, keyring, clock, events } = ports;
  const reachable = new Map<string, Promise<ReadonlySet<string>>>();
  /** Releases never change, and neither do their plans. */
  const plans = new Map<string, Promise<ReleasePlan>>();
  const planOf = async (digest: string): Promise<ReleasePlan> => {
    const { document } = await find(digest);
    const rows: Pipeline[] = [];
    for (const { name, version } of [document.pipeline, ...document.alongside]) rows.push((await pipelines.find(name, version)).document);
    return planRelease(document, rows);
  };
  const view = (row: ReleaseRow, counts: ReadonlyMap<string, number>): ReleaseView => {
    const { digest, name, createdAtMs, createdBy, document } = row;
    return { digest, name, createdAtMs, createdBy, document, deviceCount: counts.get(digest) ?? 0 };
  };
  const find = async (reference: string): Promise<ReleaseRow> => {
    const row = await findRelease(db, reference);
    if (row === undefined)
      throw new StarlingError('unknown-release', `there is no release ${reference}`, {
        field: 'release',
        hint: 'see "starling release ls"',
      });
    return row;
  };
  const edgesOf = async (reference: string, name?: string): Promise<{ edges: string[]; prefix: string }> => {
    const { document } = await find(reference);
    const pinned = [document.pipeline, ...document.alongside];
    const index = name === undefined ? 0 : pinned.findIndex((each) => each.name === name);
    const chosen = pinned[index];
    if (chosen === undefined) {
      throw new StarlingError('unknown-pipeline', `release ${document.name} has no pipeline "${name}"`, {
        field: 'arguments.pipeline',
        hint: `its pipelines: ${pinned.map((each) => each.name).join(', ')}`,
      });
    }
    const pipeline = (await pipelines.find(chosen.name, chosen.version)).document;
    const versions = Object.fromEntries(document.models.map((model) => [model.name, model.version]));
    const outputs = Object.keys(pipeline.outputs).map((output) => `${OUTPUT_NODE}.${output}`);
    return { edges: [...(await pipelines.ports(pipeline, versions)), ...outputs], prefix: prefixOf(chosen.name, index) };
  };
  return {
    edges: edgesOf,
    async draft(draft) {
      const rows: Awaited<ReturnType<Pipelines['find']>>[] = [];
      for (const reference of [draft.pipeline, ...(draft.alongside ?? [])]) {
        const [name = '', version] = reference.split('@');
        rows.push(await pipelines.find(name, version));
      }
      const [pipeline, ...alongside] = rows.map(({ name, version, digest }) => ({ name, version, digest }));
      const used = new Set(rows.flatMap(({ document }) => modelNamesOf(document)));
      const pinned: Release['models'] = [];
      for (const model of used) {
        const row = await models.find(model, draft.models[model]);
        pinned.push({ name: row.name, version: row.version, digest: row.digest });
      }
      for (const unused of Object.keys(draft.models).filter((model) => !used.has(model))) {
        throw new StarlingError('unused-model', `${draft.pipeline} does not use the model ${unused}`, { field: `models.${unused}` });
      }
      const parameters = draft.parameters ?? {};
      const document = releaseSchema.parse({
        kind: 'release',
        schemaVersion: 1,
        critical: [],
        fleetId: keyring.fleetId,
        name: draft.name,
        pipeline,
        alongside,
        models: pinned,
        ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
        policies: draft.policies,
        requires: {
          protocolVersion: PROTOCOL_VERSION,
          operators: Object.assign({}, ...rows.map(({ document }) => operatorsNeededBy(document))),
        },
        requiredProviders: draft.requiredProviders,
        createdAtMs: clock.nowMs(),
      });
      requireParameters(document);
      for (const row of rows) {
        const values = parametersFor(document, row.name);
        const problems = checkParameterValues(row.document.parameters, { by: 'release', values });
        if (problems.length > 0) throw new PipelineProblems(problems);
      }
      const cut = rows.flatMap((row, index) => requirePlacement(document, row.document, fieldOf(index), prefixOf(row.name, index)));
      requireStreams(document.policies.egress.streams ?? [], cut);
      return document;
    },
    async register(signed, actor) {
      const document = await verifyDocument(signed, {
        kind: 'release',
        keys: keyring.root().keys.publisher,
        schema: releaseSchema,
        maximumBytes: DOCUMENT_BYTES_MAXIMUM,
      });
      await checkRelease(document, ports);
      const bytes = new TextEncoder().encode(signed);
      await blobs.putChunk(bytes);
      const row: ReleaseRow = {
        digest: await sha256Hex(bytes),
        name: document.name,
        signed,
        document,
        createdAtMs: clock.nowMs(),
        createdBy: actor.name,
      };
      await db.transaction(async (tx) => {
        if (await insertRelease(tx, row)) await appendAudit(tx, clock, actor, 'release.create', document.name, { digest: row.digest });
      });
      events.publish({ type: 'catalogue', id: row.digest, atMs: clock.nowMs(), detail: { release: document.name } });
      return view(row, new Map());
    },
    async list(page) {
      const { rows, total } = await listReleases(db, page);
      const counts = await ports.countDevices();
      return { items: rows.map((row) => view(row, counts)), total };
    },
    show: async (reference) => view(await find(reference), await ports.countDevices()),
    find,
    async reachable(digest) {
      const known = reachable.get(digest) ?? collectReachable(digest, ports);
      reachable.set(digest, known);
      known.catch(() => reachable.delete(digest));
      return known;
    },
    plan(digest) {
      const known = plans.get(digest) ?? planOf(digest);
      plans.set(digest, known);
      known.catch(() => plans.delete(digest));
      return known;
    },
    forgetReachable: () => reachable.clear(),
    references: async () => (await allReleases(db)).map((row) => row.digest),
  };
}

/** A signed release may still be wrong: every reference is resolved and the graph checked with exactly the pinned versions. */
async function checkRelease(document: Release, { keyring, models, pipelines }: ReleasePorts): Promise<void> {
  if (document.fleetId !== keyring.fleetId)
    throw new StarlingError('wrong-fleet', `the release is signed for fleet ${document.fleetId}`, { field: 'fleetId' });
  const { pipeline: main, alongside } = document;
  const names = [main, ...alongside].map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw new StarlingError('pipeline-twice', 'a release has a pipeline only once', { field: 'alongside' });
  for (const [index, pinned] of document.models.entries()) {
    const model = await models.find(pinned.name, pinned.version);
    if (model.digest !== pinned.digest)
      throw new StarlingError('digest-mismatch', `${pinned.name} has another digest`, { field: `models.${index}.digest` });
  }
  const versions = Object.fromEntries(document.models.map(({ name, version }) => [name, version]));
  const outputs = new Set<string>();
  const edges = new Set<string>();
  const sinks = new Set<string>();
  const cut: string[] = [];
  for (const [index, pinned] of [main, ...alongside].entries()) {
    const field = fieldOf(index);
    const pipeline = await pipelines.find(pinned.name, pinned.version);
    if (pipeline.digest !== pinned.digest)
      throw new StarlingError('digest-mismatch', 'the pipeline has another digest', { field: `${field}.digest` });
    const missing = modelNamesOf(pipeline.document).find((name) => versions[name] === undefined);
    if (missing !== undefined) throw new StarlingError('unknown-model', `the release pins no version of ${missing}`, { field: 'models' });
    const problems = await pipelines.check(pipeline.document, { versions, parameters: parametersFor(document, pinned.name) });
    if (problems.length > 0) throw new PipelineProblems(problems);
    const prefix = prefixOf(pinned.name, index);
    cut.push(...requirePlacement(document, pipeline.document, field, prefix));
    for (const output of Object.keys(pipeline.document.outputs)) outputs.add(prefix + output);
    for (const edge of await pipelines.ports(pipeline.document, versions)) edges.add(prefix + edge);
    for (const sink of sinksOf(pipeline.document.nodes, pipeline.document.pipelines, prefix, new Set())) sinks.add(sink);
  }
  requireParameters(document);
  requireNamed(document.policies.egress, { outputs, edges, sinks });
  requireStreams(document.policies.egress.streams ?? [], cut);
}

/** Where the pipelines of a release stand in it: the first, then those beside it. */
function fieldOf(index: number): string {
  return index === 0 ? 'pipeline' : `alongside.${index - 1}`;
}

/** Before names of its ports in policies. */
function prefixOf(name: string, index: number): string {
  return index === 0 ? '' : `${name}:`;
}

/** A value that is for no pipeline of the release would change nothing, silently. */
function requireParameters({ pipeline, alongside, parameters = {} }: Release): void {
  const names = alongside.map(({ name }) => name);
  const unknown = Object.keys(parameters).find((key) => key.includes(':') && !names.includes(key.slice(0, key.indexOf(':'))));
  if (unknown === undefined) return;
  throw new StarlingError('unknown-parameter', `"${unknown}" is for no pipeline of the release`, {
    field: `parameters.${unknown}`,
    hint: `parameters of ${pipeline.name} stand by their names, others as PIPELINE:NAME: ${names.join(', ') || 'there is none'}`,
  });
}

/** Nodes of pipelines inside this one are named `outer/inner`, as the agent names them. */
function sinksOf(nodes: Pipeline['nodes'], inner: Pipeline['pipelines'], prefix: string, inside: ReadonlySet<string>): string[] {
  return Object.entries(nodes).flatMap(([name, node]) => {
    if ('sink' in node) return [prefix + name];
    if (!('pipeline' in node) || inside.has(node.pipeline)) return [];
    const found = inner[node.pipeline];
    return found === undefined ? [] : sinksOf(found.nodes, inner, `${prefix}${name}/`, new Set([...inside, node.pipeline]));
  });
}

const wordOf = { outputs: 'output', edges: 'edge', sinks: 'sink' } as const;

/** What a policy names in vain would open nothing, and whoever wrote it would wait for values for ever. */
function requireNamed(policy: EgressPolicy, known: Readonly<Record<keyof typeof wordOf, ReadonlySet<string>>>): void {
  for (const [kind, word] of Object.entries(wordOf) as [keyof typeof wordOf, string][]) {
    const names = known[kind];
    const unknown = policy[kind].find((name) => !names.has(name));
    if (unknown === undefined) continue;
    throw new StarlingError(`unknown-${word}`, `the pipeline has no ${word} "${unknown}"`, {
      field: `policies.egress.${kind}`,
      hint: names.size === 0 ? 'it has none at all' : `${word}s: ${[...names].join(', ')}`,
    });
  }
}

async function collectReachable(digest: string, { db, blobs, models }: ReleasePorts): Promise<ReadonlySet<string>> {
  const row = await findRelease(db, digest);
  const found = new Set<string>();
  if (row === undefined) return found;
  found.add(row.digest);
  for (const { digest: pipeline } of [row.document.pipeline, ...row.document.alongside]) found.add(pipeline);
  const addBlob = async (manifest: string): Promise<void> => {
    for (const each of await blobs.reachable(manifest)) found.add(each);
  };
  for (const pinned of row.document.models) {
    found.add(pinned.digest);
    const model = await models.find(pinned.name, pinned.version);
    for (const asset of model.document.assets) await addBlob(asset.manifest);
    for (const artefact of await models.artefacts(pinned.digest)) {
      found.add(artefact.digest);
      if (artefact.document.golden !== undefined) found.add(artefact.document.golden.digest);
      for (const { manifest } of artefactFiles(artefact.document)) await addBlob(manifest);
    }
  }
  return found;
}
