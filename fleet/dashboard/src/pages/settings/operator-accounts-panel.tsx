import { Alert, Button, Group, Modal, NumberInput, Stack, Table, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { OperatorAccount } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSelectorCheck } from '../../data/selector-check.ts';
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
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';
import { WideTable } from '../../parts/wide-table.tsx';
import { KeyState, useIsLive } from './key-life.tsx';

const makesOld = ['listOperatorAccounts', 'listApiTokens', 'listAudit'] as const;

/** Accounts with which people's own MQTT tools send commands. */
export function OperatorAccountsPanel() {
  const [page, setPage] = useState(1);
  const [isAdding, adding] = useDisclosure(false);
  const [revoking, setRevoking] = useState<string>();
  const accounts = useQuery({ ...read('listOperatorAccounts', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <Panel
      title="MQTT accounts"
      note="Commands from people's own MQTT tools: scripts, gateways, plant software."
      flush
      actions={<OpenButton onOpen={adding.open}>Make an account</OpenButton>}
    >
      <QueryView query={accounts} heightPx={160}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title="No account yet" />
          ) : (
            <>
              <WideTable label="MQTT accounts" stacks>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th>
                    <Table.Th>Devices</Table.Th>
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
                  {items.map((account) => (
                    <AccountRow key={account.name} account={account} onRevoke={() => setRevoking(account.name)} />
                  ))}
                </Table.Tbody>
              </WideTable>
              <Pager {...{ total, limit, offset }} what="accounts" onPage={setPage} />
            </>
          )
        }
      </QueryView>
      {isAdding && <AddAccountDialog onClose={adding.close} />}
      {revoking !== undefined && <RevokeAccountDialog name={revoking} onClose={() => setRevoking(undefined)} />}
    </Panel>
  );
}

function AccountRow({ account, onRevoke }: { account: OperatorAccount; onRevoke: () => void }) {
  const isLive = useIsLive(account);
  return (
    <Table.Tr>
      <Table.Td data-title="Name" fw={600}>
        {account.name}
      </Table.Td>
      <Table.Td data-title="Devices" className={account.select === null ? undefined : 'mono'}>
        {account.select ?? 'all'}
      </Table.Td>
      <Table.Td data-title="State">
        <KeyState life={account} />
      </Table.Td>
      <Table.Td data-title="Owner">{account.owner}</Table.Td>
      <Table.Td data-title="Last used">
        <Moment atMs={account.lastUsedAtMs} />
      </Table.Td>
      <Table.Td data-title="Ends">
        <Moment atMs={account.expiresAtMs} absent="never" />
      </Table.Td>
      <Table.Td data-title="">
        {isLive && (
          <Button size="compact-sm" variant="default" onClick={onRevoke} aria-label={`Revoke ${account.name}`}>
            Revoke
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function AddAccountDialog({ onClose }: { onClose: () => void }) {
  const [select, setSelect] = useState('');
  const { vocabulary, problem, counts } = useSelectorCheck(select);
  const create = useChange('createOperatorAccount', { makesOld });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const days = String(form.get('days')).replace(/\D/g, '');
    create.mutate({
      body: {
        name: String(form.get('name')).trim(),
        ...(select.trim() === '' ? {} : { select: select.trim() }),
        ...(days === '' ? {} : { expiresInDays: Number(days) }),
      },
    });
  };
  return (
    <Modal opened onClose={onClose} title="Make an MQTT account" centered size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      {create.data === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label="Name"
              name="name"
              description="User name, and part of the topics: a-z, 0-9, _ and -. It is not given twice"
              required
              maxLength={64}
              placeholder="line-4"
              data-autofocus
            />
            <SelectorField
              label="Devices"
              description="Empty: it may command all"
              value={select}
              onChange={setSelect}
              {...{ vocabulary, problem, note: countWords(counts) }}
            />
            <NumberInput label="Ends after" suffix=" days" name="days" min={1} max={3650} allowDecimal={false} description="Empty: never" />
            {create.isError && <ProblemAlert error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending} disabled={problem !== undefined}>
                Make
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Made name={create.data.account.name} password={create.data.password} topicRoot={create.data.topicRoot} onClose={onClose} />
      )}
    </Modal>
  );
}

function Made({ name, password, topicRoot, onClose }: { name: string; password: string; topicRoot: string; onClose: () => void }) {
  const own = `${topicRoot}/operator/${name}`;
  return (
    <Stack>
      <Alert variant="outline" color="petrol" title="Shown only this once" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
        The fleet keeps only a digest. Keep it where you keep passwords.
      </Alert>
      <CommandBox label="Password:" command={password} />
      <CommandBox label="Listens to:" command={`${own}/result/+`} />
      <CommandBox label="Asks at, with the name of a command in the end:" command={`${own}/command/ping`} />
      <Button onClick={onClose}>Done</Button>
    </Stack>
  );
}

function RevokeAccountDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const revoke = useChange('revokeOperatorAccount', {
    makesOld,
    onDone: () => {
      announce(`${name} is revoked`);
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Revoke ${name}?`}
      verb="Revoke the account"
      isPending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate({ params: { name } })}
      onClose={onClose}
    >
      Tools that use it are cut off, and refused from now on.
    </ConfirmDialog>
  );
}
