import { Button, NumberInput, Table } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { StarlingError } from '@starling/shared';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Moment } from '../../parts/moment.tsx';
import { OpenButton } from '../../parts/open-button.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { type KeyLife, KeyState, useIsLive } from './key-life.tsx';

interface OwnedKey extends KeyLife {
  name: string;
  owner: string;
  lastUsedAtMs: number | null;
}

/** A column of one kind of key alone. */
export interface KeyColumn<Key> {
  title: string;
  cell: (key: Key) => ReactNode;
  className?: (key: Key) => string | undefined;
}

interface KeyPanelProps<Key extends OwnedKey> {
  title: string;
  note: string;
  /** One of them, and many: `token`, `tokens`. */
  words: { one: string; many: string; make: string };
  heightPx: number;
  keys: UseQueryResult<{ items: Key[]; total: number; limit: number; offset: number }, StarlingError>;
  idOf: (key: Key) => string;
  columns: readonly KeyColumn<Key>[];
  onPage: (page: number) => void;
  add: (onClose: () => void) => ReactNode;
  revoke: (key: Key, onClose: () => void) => ReactNode;
}

/** Keys of one kind: whose they are, whether they still open anything, and their end. */
export function KeyPanel<Key extends OwnedKey>({
  title,
  note,
  words,
  heightPx,
  keys,
  idOf,
  columns,
  onPage,
  ...dialogs
}: KeyPanelProps<Key>) {
  const [isAdding, adding] = useDisclosure(false);
  const [revoking, setRevoking] = useState<Key>();
  return (
    <Panel title={title} note={note} flush actions={<OpenButton onOpen={adding.open}>{words.make}</OpenButton>}>
      <QueryView query={keys} heightPx={heightPx}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title={`No ${words.one} yet`} />
          ) : (
            <>
              <WideTable label={title} stacks>
                <Table.Thead>
                  <Table.Tr>
                    {['Name', ...columns.map((column) => column.title), 'State', 'Owner', 'Last used', 'Ends'].map((head) => (
                      <Table.Th key={head}>{head}</Table.Th>
                    ))}
                    <Table.Th>
                      <span className="visually-hidden">What to do</span>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((each) => (
                    <KeyRow key={idOf(each)} shown={each} columns={columns} onRevoke={() => setRevoking(each)} />
                  ))}
                </Table.Tbody>
              </WideTable>
              <Pager {...{ total, limit, offset, onPage }} what={words.many} />
            </>
          )
        }
      </QueryView>
      {isAdding && dialogs.add(adding.close)}
      {revoking !== undefined && dialogs.revoke(revoking, () => setRevoking(undefined))}
    </Panel>
  );
}

interface KeyRowProps<Key> {
  shown: Key;
  columns: readonly KeyColumn<Key>[];
  onRevoke: () => void;
}

function KeyRow<Key extends OwnedKey>({ shown, columns, onRevoke }: KeyRowProps<Key>) {
  const isLive = useIsLive(shown);
  return (
    <Table.Tr>
      <Table.Td data-title="Name" fw={600}>
        {shown.name}
      </Table.Td>
      {columns.map(({ title, cell, className }) => (
        <Table.Td key={title} data-title={title} className={className?.(shown)}>
          {cell(shown)}
        </Table.Td>
      ))}
      <Table.Td data-title="State">
        <KeyState life={shown} />
      </Table.Td>
      <Table.Td data-title="Owner">{shown.owner}</Table.Td>
      <Table.Td data-title="Last used">
        <Moment atMs={shown.lastUsedAtMs} />
      </Table.Td>
      <Table.Td data-title="Ends">
        <Moment atMs={shown.expiresAtMs} absent="never" />
      </Table.Td>
      <Table.Td data-title="">
        {isLive && (
          <Button size="compact-sm" variant="default" onClick={onRevoke} aria-label={`Revoke ${shown.name}`}>
            Revoke
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** How long a key that is being made lives. */
export function EndsAfterField({ days }: { days?: number }) {
  return (
    <NumberInput
      label="Ends after"
      suffix=" days"
      name="days"
      min={1}
      max={3650}
      {...(days !== undefined && { defaultValue: days })}
      allowDecimal={false}
      description="Empty: never"
    />
  );
}

export function endsAfter(form: FormData): { expiresInDays?: number } {
  const days = String(form.get('days')).replace(/\D/g, '');
  return days === '' ? {} : { expiresInDays: Number(days) };
}

export const DIGEST_ALONE = 'The fleet keeps only a digest. Keep it where you keep passwords.';
