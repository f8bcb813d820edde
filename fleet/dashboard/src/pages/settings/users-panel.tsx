import { Select, Switch, Table, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { roleSchema, type User } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { MakeDialog } from '../../parts/make-dialog.tsx';
import { Moment } from '../../parts/moment.tsx';
import { announceProblem } from '../../parts/notice.ts';
import { OpenButton } from '../../parts/open-button.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

const makesOld = ['listUsers', 'listAudit'] as const;

/** The people of the fleet and their roles. */
export function UsersPanel() {
  const [page, setPage] = useState(1);
  const [isAdding, adding] = useDisclosure(false);
  const users = useQuery({ ...read('listUsers', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <Panel
      title="People"
      note="Viewers see; operators change what runs; admins change who may."
      flush
      actions={<OpenButton onOpen={adding.open}>Add a person</OpenButton>}
    >
      <QueryView query={users} heightPx={200}>
        {({ items, total, limit, offset }) => (
          <>
            <WideTable label="People" stacks>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>E-mail</Table.Th>
                  <Table.Th>Role</Table.Th>
                  <Table.Th>May sign in</Table.Th>
                  <Table.Th>Since</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((user) => (
                  <UserRow key={user.id} user={user} />
                ))}
              </Table.Tbody>
            </WideTable>
            <Pager {...{ total, limit, offset }} what="people" onPage={setPage} />
          </>
        )}
      </QueryView>
      {isAdding && <AddUserDialog onClose={adding.close} />}
    </Panel>
  );
}

function UserRow({ user }: { user: User }) {
  const { actor } = useSession();
  const change = useChange('changeUser', { makesOld });
  const apply = (body: { role?: User['role']; disabled?: boolean }): void =>
    change.mutate({ params: { id: user.id }, body }, { onError: announceProblem });
  return (
    <Table.Tr>
      <Table.Td data-title="Name" fw={600}>
        {user.name}
      </Table.Td>
      <Table.Td data-title="E-mail">{user.email}</Table.Td>
      <Table.Td data-title="Role">
        <Select
          size="xs"
          w={130}
          aria-label={`Role of ${user.name}`}
          data={roleSchema.options}
          value={user.role}
          allowDeselect={false}
          disabled={change.isPending}
          onChange={(role) => apply({ role: roleSchema.parse(role) })}
        />
      </Table.Td>
      <Table.Td data-title="May sign in">
        <Switch
          aria-label={`${user.name} may sign in`}
          checked={!user.disabled}
          disabled={change.isPending || user.id === actor.id}
          onChange={({ currentTarget }) => apply({ disabled: !currentTarget.checked })}
        />
      </Table.Td>
      <Table.Td data-title="Since">
        <Moment atMs={user.createdAtMs} />
      </Table.Td>
    </Table.Tr>
  );
}

function AddUserDialog({ onClose }: { onClose: () => void }) {
  const [role, setRole] = useState<User['role']>('viewer');
  const create = useChange('createUser', { makesOld });
  return (
    <MakeDialog
      title="Add a person"
      verb="Add"
      making={create}
      onClose={onClose}
      onSubmit={(form) => create.mutate({ body: { email: String(form.get('email')).trim(), name: String(form.get('name')).trim(), role } })}
      made={
        create.data && {
          note: `Give this password to ${create.data.user.name} over a safe way; it should be changed under Settings.`,
          secrets: <CommandBox label="One-time password:" command={create.data.password} />,
        }
      }
    >
      <TextInput label="Name" name="name" required maxLength={100} data-autofocus />
      <TextInput label="E-mail" name="email" type="email" required />
      <Select
        label="Role"
        data={roleSchema.options}
        value={role}
        allowDeselect={false}
        onChange={(next) => setRole(roleSchema.parse(next))}
      />
    </MakeDialog>
  );
}
