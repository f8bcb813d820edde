import {
  type Actor,
  type AgentBuild,
  type AgentBuildView,
  agentBuildSchema,
  DOCUMENT_BYTES_MAXIMUM,
  isStarlingError,
  type PageQuery,
  StarlingError,
  sha256Hex,
  verifyDocument,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { type AgentBuildRow, agentBuildByDigest, allAgentBuilds, insertAgentBuild, selectAgentBuilds } from './store.ts';

/** Agents that devices may be updated to. The fleet keeps and hands them out; that they are good, the publisher says. */
export interface AgentBuilds {
  /** @throws StarlingError `unknown-key`, `bad-signature`, `wrong-fleet`, `unknown-upload`, `version-exists` */
  register(signed: string, actor: Actor): Promise<AgentBuildView>;
  list(page: PageQuery): Promise<{ items: AgentBuildView[]; total: number }>;
  /** Chunks that a device may fetch to take this build. @throws StarlingError `not-found` */
  reachable(digest: string): Promise<string[]>;
  /** Digests of all chunks in use. */
  references(): Promise<Set<string>>;
}

interface AgentBuildPorts {
  db: Database;
  blobs: Pick<BlobStore, 'putChunk' | 'reachable' | 'touch'>;
  keyring: Keyring;
  clock: Clock;
}

export function createAgentBuilds({ db, blobs, keyring, clock }: AgentBuildPorts): AgentBuilds {
  const chunksOf = async ({ digest, document }: Pick<AgentBuildRow, 'digest' | 'document'>): Promise<string[]> => {
    const found = new Set([digest]);
    for (const { manifest } of document.packages) for (const chunk of await blobs.reachable(manifest)) found.add(chunk);
    return [...found];
  };
  const requirePackages = async ({ packages }: AgentBuild): Promise<void> => {
    for (const [index, { manifest, digest, sizeBytes }] of packages.entries()) {
      const field = `packages.${index}`;
      const found = await blobs.touch(manifest).catch((error: unknown) => {
        if (!isStarlingError(error)) throw error;
        throw new StarlingError('unknown-upload', 'a package was not uploaded', { field, hint: 'upload it first', cause: error });
      });
      if (found.digest !== digest || found.sizeBytes !== sizeBytes)
        throw new StarlingError('digest-mismatch', 'a package is not the file that was uploaded', { field, hint: 'publish it again' });
    }
  };
  return {
    async register(signed, actor) {
      const keys = keyring.root().keys.publisher;
      const expected = { kind: 'agent-build', keys, schema: agentBuildSchema, maximumBytes: DOCUMENT_BYTES_MAXIMUM } as const;
      const document = await verifyDocument(signed, expected);
      if (document.fleetId !== keyring.fleetId)
        throw new StarlingError('wrong-fleet', `the agent is signed for fleet ${document.fleetId}`, { field: 'fleetId' });
      await requirePackages(document);
      const bytes = new TextEncoder().encode(signed);
      await blobs.putChunk(bytes);
      const { version } = document;
      const row: AgentBuildRow = {
        digest: await sha256Hex(bytes),
        version,
        signed,
        document,
        createdAtMs: clock.nowMs(),
        createdBy: actor.name,
      };
      await db.transaction(async (tx) => {
        if (!(await insertAgentBuild(tx, row))) {
          throw new StarlingError('version-exists', `there is an agent build ${version}`, {
            field: 'version',
            hint: 'name another version',
          });
        }
        await appendAudit(tx, clock, actor, 'agent.publish', version, { digest: row.digest });
      });
      return toView(row);
    },
    async list(page) {
      const { rows, total } = await selectAgentBuilds(db, page);
      return { items: rows.map(toView), total };
    },
    async reachable(digest) {
      const row = await agentBuildByDigest(db, digest);
      if (row !== undefined) return chunksOf(row);
      throw new StarlingError('not-found', `there is no agent build ${digest}`, {
        field: 'arguments.build',
        hint: 'see "starling agent ls"',
      });
    },
    async references() {
      const found = new Set<string>();
      for (const row of await allAgentBuilds(db)) for (const chunk of await chunksOf(row)) found.add(chunk);
      return found;
    },
  };
}

function toView({ digest, document: { version, issuedAtMs, packages }, createdAtMs, createdBy }: AgentBuildRow): AgentBuildView {
  return { digest, version, issuedAtMs, packages, createdAtMs, createdBy };
}
