import { MultiSelect, Select, TextInput } from '@mantine/core';
import { type ApiToken, roleSchema, type Scope, scopeSchema } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { MakeDialog } from '../../parts/make-dialog.tsx';
import { afterRevoking, RevokeDialog } from '../../parts/revoke-dialog.tsx';
import { DIGEST_ALONE, EndsAfterField, endsAfter, type KeyColumn, KeyPanel } from './key-panel.tsx';

const makesOld = ['listApiTokens', 'listAudit'] as const;
const columns: readonly KeyColumn<ApiToken>[] = [
  { title: 'Role', cell: ({ role }) => role },
  { title: 'Scopes', cell: ({ scopes }) => (scopes === null ? 'all' : scopes.join(', ')) },
];

/** Keys for programs: the command line, scripts, other systems. */
export function ApiTokensPanel() {
  const [page, setPage] = useState(1);
  const keys = useQuery({ ...read('listApiTokens', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <KeyPanel
      title="API tokens"
      note="For programs: the command line, scripts, other systems."
      words={{ one: 'token', many: 'tokens', make: 'Make a token' }}
      heightPx={200}
      idOf={({ id }) => id}
      {...{ keys, columns }}
      onPage={setPage}
      add={(onClose) => <AddTokenDialog onClose={onClose} />}
      revoke={(token, onClose) => <RevokeTokenDialog token={token} onClose={onClose} />}
    />
  );
}

function AddTokenDialog({ onClose }: { onClose: () => void }) {
  const [role, setRole] = useState<ApiToken['role']>('viewer');
  const [scopes, setScopes] = useState<Scope[]>([]);
  const create = useChange('createApiToken', { makesOld });
  return (
    <MakeDialog
      title="Make an API token"
      making={create}
      onClose={onClose}
      onSubmit={(form) =>
        create.mutate({
          body: { name: String(form.get('name')).trim(), role, ...(scopes.length === 0 ? {} : { scopes }), ...endsAfter(form) },
        })
      }
      made={create.data && { note: DIGEST_ALONE, secrets: <CommandBox label="Token:" command={create.data.secret} /> }}
    >
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
      <EndsAfterField days={90} />
    </MakeDialog>
  );
}

function RevokeTokenDialog({ token: { id, name }, onClose }: { token: ApiToken; onClose: () => void }) {
  const revoke = useChange('revokeApiToken', { makesOld, onDone: afterRevoking(name, onClose) });
  return (
    <RevokeDialog name={name} what="token" change={revoke} onRevoke={() => revoke.mutate({ params: { id } })} onClose={onClose}>
      Programs that use it are refused from now on.
    </RevokeDialog>
  );
}
