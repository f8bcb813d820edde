import { TextInput } from '@mantine/core';
import type { OperatorAccount } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSelectorCheck } from '../../data/selector-check.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { MakeDialog } from '../../parts/make-dialog.tsx';
import { afterRevoking, RevokeDialog } from '../../parts/revoke-dialog.tsx';
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';
import { DIGEST_ALONE, EndsAfterField, endsAfter, type KeyColumn, KeyPanel } from './key-panel.tsx';

const makesOld = ['listOperatorAccounts', 'listApiTokens', 'listAudit'] as const;
const columns: readonly KeyColumn<OperatorAccount>[] = [
  { title: 'Devices', cell: ({ select }) => select ?? 'all', className: ({ select }) => (select === null ? undefined : 'mono') },
];

/** Accounts with which people's own MQTT tools send commands. */
export function OperatorAccountsPanel() {
  const [page, setPage] = useState(1);
  const keys = useQuery({ ...read('listOperatorAccounts', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <KeyPanel
      title="MQTT accounts"
      note="Commands from people's own MQTT tools: scripts, gateways, plant software."
      words={{ one: 'account', many: 'accounts', make: 'Make an account' }}
      heightPx={160}
      idOf={({ name }) => name}
      {...{ keys, columns }}
      onPage={setPage}
      add={(onClose) => <AddAccountDialog onClose={onClose} />}
      revoke={({ name }, onClose) => <RevokeAccountDialog name={name} onClose={onClose} />}
    />
  );
}

function AddAccountDialog({ onClose }: { onClose: () => void }) {
  const [select, setSelect] = useState('');
  const { vocabulary, problem, counts } = useSelectorCheck(select);
  const create = useChange('createOperatorAccount', { makesOld });
  return (
    <MakeDialog
      title="Make an MQTT account"
      size="lg"
      making={create}
      isBlocked={problem !== undefined}
      onClose={onClose}
      onSubmit={(form) =>
        create.mutate({
          body: {
            name: String(form.get('name')).trim(),
            ...(select.trim() === '' ? {} : { select: select.trim() }),
            ...endsAfter(form),
          },
        })
      }
      made={create.data && { note: DIGEST_ALONE, secrets: <AccountSecrets {...create.data} /> }}
    >
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
      <EndsAfterField />
    </MakeDialog>
  );
}

function AccountSecrets({ account, password, topicRoot }: { account: OperatorAccount; password: string; topicRoot: string }) {
  const own = `${topicRoot}/operator/${account.name}`;
  return (
    <>
      <CommandBox label="Password:" command={password} />
      <CommandBox label="Listens to:" command={`${own}/result/+`} />
      <CommandBox label="Asks at, with the name of a command in the end:" command={`${own}/command/ping`} />
    </>
  );
}

function RevokeAccountDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const revoke = useChange('revokeOperatorAccount', { makesOld, onDone: afterRevoking(name, onClose) });
  return (
    <RevokeDialog name={name} what="account" change={revoke} onRevoke={() => revoke.mutate({ params: { name } })} onClose={onClose}>
      Tools that use it are cut off, and refused from now on.
    </RevokeDialog>
  );
}
