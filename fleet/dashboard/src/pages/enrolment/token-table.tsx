import { Button, Table } from '@mantine/core';
import type { ClaimTokenView } from '@starling/shared';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { Labels } from '../../parts/labels.tsx';
import { Moment, useNowMs } from '../../parts/moment.tsx';
import { afterRevoking, RevokeDialog } from '../../parts/revoke-dialog.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** Claim tokens, newest first, and their end. */
export function TokenTable({ tokens }: { tokens: readonly ClaimTokenView[] }) {
  const [revoking, setRevoking] = useState<ClaimTokenView>();
  return (
    <>
      <WideTable label="Claim tokens" stacks>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Used</Table.Th>
            <Table.Th>Labels</Table.Th>
            <Table.Th>Approval</Table.Th>
            <Table.Th>Ends</Table.Th>
            <Table.Th>Made</Table.Th>
            <Table.Th>
              <span className="visually-hidden">What to do</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tokens.map((token) => (
            <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
          ))}
        </Table.Tbody>
      </WideTable>
      {revoking !== undefined && <RevokeTokenDialog token={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}

function TokenRow({ token, onRevoke }: { token: ClaimTokenView; onRevoke: () => void }) {
  const now = useNowMs();
  const isLive = !hasEnded(token) && token.expiresAtMs > now;
  return (
    <Table.Tr>
      <Table.Td data-title="Name" fw={600}>
        {token.name}
      </Table.Td>
      <Table.Td data-title="State">
        <Tag tone={isLive ? 'good' : 'idle'}>{stateOf(token, now)}</Tag>
      </Table.Td>
      <Table.Td data-title="Used" style={{ whiteSpace: 'nowrap' }}>
        {counted(token.usesTotal - token.usesLeft)} of {counted(token.usesTotal)}
      </Table.Td>
      <Table.Td data-title="Labels">
        <Labels labels={token.labels} absent="–" />
      </Table.Td>
      <Table.Td data-title="Approval" style={{ whiteSpace: 'nowrap' }}>
        {token.requireApproval ? 'by a person' : 'at once'}
      </Table.Td>
      <Table.Td data-title="Ends">{hasEnded(token) ? '–' : <Moment atMs={token.expiresAtMs} />}</Table.Td>
      <Table.Td data-title="Made">
        {/* Under one another, cells are in columns: what belongs together is one. */}
        <span>
          <Moment atMs={token.createdAtMs} /> by {token.createdBy}
        </span>
      </Table.Td>
      <Table.Td data-title="">
        {isLive && (
          <Button size="compact-sm" variant="default" onClick={onRevoke} aria-label={`Revoke ${token.name}`}>
            Revoke
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** Before its time: when that comes changes nothing any more. */
function hasEnded({ revokedAtMs, usesLeft }: ClaimTokenView): boolean {
  return revokedAtMs !== null || usesLeft === 0;
}

function stateOf(token: ClaimTokenView, now: number): string {
  if (token.revokedAtMs !== null) return 'revoked';
  if (token.usesLeft === 0) return 'used up';
  return token.expiresAtMs <= now ? 'expired' : 'live';
}

function RevokeTokenDialog({ token: { id, name }, onClose }: { token: ClaimTokenView; onClose: () => void }) {
  const revoke = useChange('revokeClaimToken', { makesOld: ['listClaimTokens', 'listAudit'], onDone: afterRevoking(name, onClose) });
  return (
    <RevokeDialog name={name} what="token" change={revoke} onRevoke={() => revoke.mutate({ params: { id } })} onClose={onClose}>
      No further device enrols with it. Those that did stay.
    </RevokeDialog>
  );
}
