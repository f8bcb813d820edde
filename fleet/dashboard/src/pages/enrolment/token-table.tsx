import { Button, Table } from '@mantine/core';
import type { ClaimTokenView } from '@starling/shared';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Labels } from '../../parts/labels.tsx';
import { Moment, useNowMs } from '../../parts/moment.tsx';
import { announce } from '../../parts/notice.ts';
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
      {revoking !== undefined && <RevokeDialog token={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}

function TokenRow({ token, onRevoke }: { token: ClaimTokenView; onRevoke: () => void }) {
  const now = useNowMs();
  const isLive = token.revokedAtMs === null && token.expiresAtMs > now && token.usesLeft > 0;
  return (
    <Table.Tr>
      <Table.Td data-title="Name" fw={600}>
        {token.name}
      </Table.Td>
      <Table.Td data-title="State">
        <Tag tone={isLive ? 'good' : 'idle'}>{stateOf(token, now)}</Tag>
      </Table.Td>
      <Table.Td data-title="Used">
        {counted(token.usesTotal - token.usesLeft)} of {counted(token.usesTotal)}
      </Table.Td>
      <Table.Td data-title="Labels">
        <Labels labels={token.labels} absent="–" />
      </Table.Td>
      <Table.Td data-title="Approval">{token.requireApproval ? 'by a person' : 'at once'}</Table.Td>
      <Table.Td data-title="Ends">
        <Moment atMs={token.expiresAtMs} />
      </Table.Td>
      <Table.Td data-title="Made">
        <Moment atMs={token.createdAtMs} /> by {token.createdBy}
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

function stateOf(token: ClaimTokenView, now: number): string {
  if (token.revokedAtMs !== null) return 'revoked';
  if (token.usesLeft === 0) return 'used up';
  return token.expiresAtMs <= now ? 'expired' : 'live';
}

function RevokeDialog({ token, onClose }: { token: ClaimTokenView; onClose: () => void }) {
  const revoke = useChange('revokeClaimToken', {
    makesOld: ['listClaimTokens', 'listAudit'],
    onDone: () => {
      announce(`${token.name} is revoked`);
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Revoke ${token.name}?`}
      verb="Revoke the token"
      isPending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate({ params: { id: token.id } })}
      onClose={onClose}
    >
      No further device enrols with it. Those that did stay.
    </ConfirmDialog>
  );
}
