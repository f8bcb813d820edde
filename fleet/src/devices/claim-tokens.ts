import { type Actor, type ClaimTokenView, formatClaimToken, type PageQuery, StarlingError } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock, Ids } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { secretDigest } from './secrets.ts';
import { type ClaimTokenRow, insertClaimToken, revokeClaimToken, selectClaimTokens } from './store.ts';

export interface ClaimTokenRequest {
  name: string;
  uses: number;
  expiresInHours: number;
  requireApproval: boolean;
  labels: Record<string, string>;
  /** Digest of the release that devices get when they enrol. */
  release?: string | undefined;
}

export interface ClaimTokens {
  /** @returns the token as devices take it; only its digest is kept */
  create(request: ClaimTokenRequest, actor: Actor): Promise<{ token: ClaimTokenView; text: string }>;
  list(page: PageQuery): Promise<{ items: ClaimTokenView[]; total: number }>;
  revoke(id: string, actor: Actor): Promise<void>;
}

interface ClaimTokenPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  keyring: Keyring;
  /** Address that devices use, and the authority that they pin. */
  publicUrl: string;
  authorityDigest: string | undefined;
}

export function createClaimTokens({ db, clock, ids, keyring, publicUrl, authorityDigest }: ClaimTokenPorts): ClaimTokens {
  return {
    async create(request, actor) {
      const secret = Buffer.from(ids.bytes(24)).toString('base64url');
      const nowMs = clock.nowMs();
      const row: ClaimTokenRow = {
        id: ids.next(),
        secretDigest: secretDigest(secret),
        name: request.name,
        usesLeft: request.uses,
        usesTotal: request.uses,
        requireApproval: request.requireApproval,
        labels: request.labels,
        release: request.release ?? null,
        expiresAtMs: Math.round(nowMs + request.expiresInHours * 3_600_000),
        revokedAtMs: null,
        createdAtMs: nowMs,
        createdBy: actor.name,
      };
      const text = formatClaimToken({
        url: publicUrl,
        tokenId: row.id,
        secret,
        rootDigest: keyring.signedRoot().digest,
        ...(authorityDigest === undefined ? {} : { certificateDigest: authorityDigest }),
      });
      await db.transaction(async (tx) => {
        await insertClaimToken(tx, row);
        await appendAudit(tx, clock, actor, 'claim-token.create', row.name, { id: row.id, uses: row.usesTotal });
      });
      return { token: toView(row), text };
    },
    async list(page) {
      const { rows, total } = await selectClaimTokens(db, page);
      return { items: rows.map(toView), total };
    },
    async revoke(id, actor) {
      await db.transaction(async (tx) => {
        if (!(await revokeClaimToken(tx, id, clock.nowMs()))) {
          throw new StarlingError('not-found', `there is no live claim token ${id}`, { field: 'id' });
        }
        await appendAudit(tx, clock, actor, 'claim-token.revoke', id);
      });
    },
  };
}

function toView({ secretDigest: _secret, ...row }: ClaimTokenRow): ClaimTokenView {
  return row;
}
