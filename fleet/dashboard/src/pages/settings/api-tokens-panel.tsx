import { Alert, Button, Group, Modal, MultiSelect, NumberInput, Select, Stack, Table, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ApiToken, roleSchema, type Scope, scopeSchema } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { announce } from '../../parts/notice.ts';
import { OpenButton } from '../../parts/open-button.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { KeyState, useIsLive } from './key-life.tsx';

const makesOld = ['listApiTokens', 'listAudit'] as const;

/** Keys for programs: the command line, scripts, other systems. */
export function ApiTokensPanel() {
  const [page, setPage] = useState(1);
  const [isAdding, adding] = useDisclosure(false);
  const [revoking, setRevoking] = useState<ApiToken>();
  const tokens = useQuery({ ...read('listApiTokens', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <Panel
      title="API tokens"
      note="For programs: the command line, scripts, other systems."
      flush
      actions={<OpenButton onOpen={adding.open}>Make a token</OpenButton>}
    >
      <QueryView query={tokens} heightPx={200}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title="No token yet" />
          ) : (
            <>
              <WideTable label="API tokens" stacks>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th>
                    <Table.Th>Role</Table.Th>
                    <Table.Th>Scopes</Table.Th>
                    <Table.Th>State</Table.Th>
                    <Table.Th>Owner</Table.Th>
                    <Table.Th>Last used</Table.Th>
                    <Table.Th>Ends</Table.Th>
                    <Table.Th>
                      <span className="visually-hidden">What to do</span>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((token) => (
                    <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
                  ))}
                </Table.Tbody>
              </WideTable>
              <Pager {...{ total, limit, offset }} what="tokens" onPage={setPage} />
            </>
          )
        }
      </QueryView>
      {isAdding && <AddTokenDialog onClose={adding.close} />}
      {revoking !== undefined && <RevokeDialog token={revoking} onClose={() => setRevoking(undefined)} />}
    </Panel>
  );
}

function TokenRow({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
  const isLive = useIsLive(token);
  return (
    <Table.Tr>
      <Table.Td data-title="Name" fw={600}>
        {token.name}
      </Table.Td>
      <Table.Td data-title="Role">{token.role}</Table.Td>
      <Table.Td data-title="Scopes">{token.scopes === null ? 'all' : token.scopes.join(', ')}</Table.Td>
      <Table.Td data-title="State">
        <KeyState life={token} />
      </Table.Td>
      <Table.Td data-title="Owner">{token.owner}</Table.Td>
      <Table.Td data-title="Last used">
        <Moment atMs={token.lastUsedAtMs} />
      </Table.Td>
      <Table.Td data-title="Ends">
        <Moment atMs={token.expiresAtMs} absent="never" />
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

function AddTokenDialog({ onClose }: { onClose: () => void }) {
  const [role, setRole] = useState<ApiToken['role']>('viewer');
  const [scopes, setScopes] = useState<Scope[]>([]);
  const create = useChange('createApiToken', { makesOld });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const days = String(form.get('days'));
    create.mutate({
      body: {
        name: String(form.get('name')).trim(),
        role,
        ...(scopes.length === 0 ? {} : { scopes }),
        ...(days === '' ? {} : { expiresInDays: Number(days) }),
      },
    });
  };
  return (
    <Modal opened onClose={onClose} title="Make an API token" centered closeButtonProps={{ 'aria-label': 'Close' }}>
      {create.data === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            <TextInput label="Name" name="name" required maxLength={100} placeholder="laptop" data-autofocus />
            <Select
              label="Role"
              data={roleSchema.options}
              value={role}
              allowDeselect={false}
              onChange={(next) => setRole(roleSchema.parse(next))}
            />
            <MultiSelect
              label="Scopes"
              data={scopeSchema.options}
              value={scopes}
              onChange={(next) => setScopes(scopeSchema.array().parse(next))}
              description="Bound it to a part of what its role may; write includes read. None: all of it"
              searchable
              clearable
              hidePickedOptions
              comboboxProps={{ withinPortal: true }}
            />
            <NumberInput
              label="Ends after"
              suffix=" days"
              name="days"
              min={1}
              max={3650}
              defaultValue={90}
              allowDecimal={false}
              description="Empty: never"
            />
            {create.isError && <ProblemAlert error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending}>
                Make
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Alert variant="outline" color="petrol" title="Shown only this once" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
            The fleet keeps only a digest. Keep it where you keep passwords.
          </Alert>
          <CommandBox label="Token:" command={create.data.secret} />
          <Button onClick={onClose}>Done</Button>
        </Stack>
      )}
    </Modal>
  );
}

function RevokeDialog({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const revoke = useChange('revokeApiToken', {
    makesOld,
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
      Programs that use it are refused from now on.
    </ConfirmDialog>
  );
}
