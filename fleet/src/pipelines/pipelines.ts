import {
  type Actor,
  checkParameterValues,
  checkPipeline,
  DOCUMENT_BYTES_MAXIMUM,
  type GraphProblem,
  type ModelPorts,
  modelNamesOf,
  operatorRegistry,
  outputPortsOf,
  type PageQuery,
  type ParameterValues,
  type Pipeline,
  type PipelineView,
  pipelineSchema,
  StarlingError,
  sha256Hex,
  verifyDocument,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Models } from '../models/index.ts';
import type { Clock, EventBus } from '../ports.ts';
import { checkScripts } from '../scripts/index.ts';
import type { Keyring } from '../trust/index.ts';
import {
  allPipelineDigests,
  findPipeline,
  insertPipeline,
  listPipelines,
  type PipelineRow,
  pipelineByDigest,
  toPipelineView,
} from './store.ts';

export interface Pipelines {
  /** Every problem of a pipeline; `versions` pins models, the newest are taken where none is given. */
  check(document: Pipeline, given?: { versions?: Readonly<Record<string, string>>; parameters?: ParameterValues }): Promise<GraphProblem[]>;
  /** Every port of a pipeline that can run, as the policy of a release names it. */
  ports(document: Pipeline, versions: Readonly<Record<string, string>>): Promise<string[]>;
  register(signed: string, actor: Actor): Promise<PipelineView>;
  list(page: PageQuery & { search?: string | undefined }): Promise<{ items: PipelineView[]; total: number }>;
  show(digest: string): Promise<PipelineView>;
  find(name: string, version?: string): Promise<PipelineRow>;
  references(): Promise<string[]>;
}

interface PipelinePorts {
  db: Database;
  blobs: BlobStore;
  models: Models;
  keyring: Keyring;
  clock: Clock;
  events: EventBus;
}

export function createPipelines({ db, blobs, models, keyring, clock, events }: PipelinePorts): Pipelines {
  const modelPorts = async (document: Pipeline, versions: Readonly<Record<string, string>>): Promise<Map<string, ModelPorts>> => {
    const ports = new Map<string, ModelPorts>();
    for (const name of modelNamesOf(document)) {
      const found = await models.find(name, versions[name]).catch(() => undefined);
      if (found !== undefined) ports.set(name, found.document);
    }
    return ports;
  };
  const check: Pipelines['check'] = async (document, { versions = {}, parameters = {} } = {}) => {
    const ports = await modelPorts(document, versions);
    const given = checkParameterValues(document.parameters, { by: 'release', values: parameters });
    if (given.length > 0) return given;
    return [...checkPipeline(document, { operators: operatorRegistry, models: ports, parameters }), ...checkScripts(document)];
  };
  return {
    check,
    async ports(document, versions) {
      return outputPortsOf(document, { operators: operatorRegistry, models: await modelPorts(document, versions) });
    },
    async register(signed, actor) {
      const document = await verifyDocument(signed, {
        kind: 'pipeline',
        keys: keyring.root().keys.publisher,
        schema: pipelineSchema,
        maximumBytes: DOCUMENT_BYTES_MAXIMUM,
      });
      const problems = await check(document);
      if (problems.length > 0) throw new PipelineProblems(problems);
      const { name, version } = document;
      if ((await findPipeline(db, name, version)) !== undefined) {
        throw new StarlingError('version-exists', `${name}@${version} exists; versions never change`, {
          field: 'version',
          hint: 'raise the version',
        });
      }
      const bytes = new TextEncoder().encode(signed);
      await blobs.putChunk(bytes);
      const row: PipelineRow = {
        digest: await sha256Hex(bytes),
        name,
        version,
        signed,
        document,
        createdAtMs: clock.nowMs(),
        createdBy: actor.name,
      };
      await db.transaction(async (tx) => {
        await insertPipeline(tx, row);
        await appendAudit(tx, clock, actor, 'pipeline.push', `${name}@${version}`, { digest: row.digest });
      });
      events.publish({ type: 'catalogue', id: row.digest, atMs: clock.nowMs(), detail: { pipeline: name, version } });
      return toPipelineView(row);
    },
    list: (page) => listPipelines(db, page),
    async show(digest) {
      const row = await pipelineByDigest(db, digest);
      if (row === undefined) throw new StarlingError('not-found', `there is no pipeline ${digest}`, { field: 'digest' });
      return toPipelineView(row);
    },
    async find(name, version) {
      const row = await findPipeline(db, name, version);
      if (row === undefined)
        throw new StarlingError('unknown-pipeline', `there is no pipeline ${name}`, { field: 'pipeline', hint: 'push it first' });
      return row;
    },
    references: () => allPipelineDigests(db),
  };
}

/** A pipeline that cannot run, with everything that is wrong about it. */
export class PipelineProblems extends StarlingError {
  readonly problems: readonly GraphProblem[];

  constructor(problems: readonly GraphProblem[]) {
    const first = problems[0];
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    super('invalid-pipeline', `${first?.message ?? 'the pipeline cannot run'}${more}`, {
      ...(first === undefined ? {} : { field: first.field }),
      ...(first?.hint === undefined ? {} : { hint: first.hint }),
    });
    this.problems = problems;
  }
}
