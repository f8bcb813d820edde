import { Button, Group, Modal, Table, Text } from '@mantine/core';
import type { GroupView } from '@starling/shared';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { announce } from '../../parts/notice.ts';
import { WideTable } from '../../parts/wide-table.tsx';
import { GroupForm } from './group-form.tsx';

/** Groups, and what may be done with each. */
export function GroupTable({ groups }: { groups: readonly GroupView[] }) {
  const [editing, setEditing] = useState<GroupView>();
  const [deleting, setDeleting] = useState<GroupView>();
  const { may } = useSession();
  return (
    <>
      <WideTable label="Groups">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Devices</Table.Th>
            <Table.Th>Selector</Table.Th>
            <Table.Th>Used by</Table.Th>
            <Table.Th>Changed</Table.Th>
            {may('operator') && (
              <Table.Th>
                <span className="visually-hidden">What to do</span>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {groups.map((group) => (
            <GroupRow key={group.name} group={group} actions={may('operator') ? { setEditing, setDeleting } : undefined} />
          ))}
        </Table.Tbody>
      </WideTable>
      {editing !== undefined && <EditDialog group={editing} onClose={() => setEditing(undefined)} />}
      {deleting !== undefined && <DeleteDialog group={deleting} onClose={() => setDeleting(undefined)} />}
    </>
  );
}

interface RowProps {
  group: GroupView;
  actions: { setEditing: (group: GroupView) => void; setDeleting: (group: GroupView) => void } | undefined;
}

function GroupRow({ group, actions }: RowProps) {
  const { name, description, select, devices, online, usedBy, problem, changedAtMs, changedBy } = group;
  return (
    <Table.Tr>
      <Table.Td>
        <TextLink to="/devices" search={{ select: `group(${JSON.stringify(name)})` }} fw={600}>
          {name}
        </TextLink>
        {description !== '' && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {counted(devices)}
        <Text size="xs" c="dimmed">
          {counted(online)} online
        </Text>
      </Table.Td>
      <Table.Td maw="28rem">
        <Text size="sm" className="mono" style={{ overflowWrap: 'anywhere' }}>
          {select}
        </Text>
        {problem !== null && (
          <Text size="xs" c="var(--mantine-color-error)">
            {problem}
          </Text>
        )}
      </Table.Td>
      <Table.Td>{usedBy.length === 0 ? '–' : usedBy.join(', ')}</Table.Td>
      <Table.Td>
        <Moment atMs={changedAtMs} /> by {changedBy}
      </Table.Td>
      {actions !== undefined && (
        <Table.Td>
          <Group gap="xs" wrap="nowrap">
            <Button size="compact-sm" variant="default" onClick={() => actions.setEditing(group)} aria-label={`Change ${name}`}>
              Change
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              disabled={usedBy.length > 0}
              onClick={() => actions.setDeleting(group)}
              aria-label={`Delete ${name}`}
            >
              Delete
            </Button>
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  );
}

function EditDialog({ group, onClose }: { group: GroupView; onClose: () => void }) {
  const change = useChange('changeGroup', {
    makesOld: ['listGroups', 'listDevices', 'listAudit'],
    onDone: ({ name, devices }) => {
      announce(`${name} has ${counted(devices)} devices now`);
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Change ${group.name}`} centered size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <GroupForm
        {...{ draft: group, isNew: false, verb: 'Save', isPending: change.isPending, error: change.error }}
        onSubmit={({ description, select }) => change.mutate({ params: { name: group.name }, body: { description, select } })}
      />
    </Modal>
  );
}

function DeleteDialog({ group: { name }, onClose }: { group: GroupView; onClose: () => void }) {
  const remove = useChange('deleteGroup', {
    makesOld: ['listGroups', 'selectorVocabulary', 'listAudit'],
    onDone: () => {
      announce(`${name} is deleted`);
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Delete ${name}?`}
      verb="Delete the group"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ params: { name } })}
      onClose={onClose}
    >
      Its selector is gone then. Its devices stay as they are.
    </ConfirmDialog>
  );
}
