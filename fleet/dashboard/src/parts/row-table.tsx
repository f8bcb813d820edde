import { Table, type TableProps, type TableTdProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { WideTable } from './wide-table.tsx';

/** A column: its title stands above it, and on a phone before each of its cells. */
export interface RowColumn<Row> extends Pick<TableTdProps, 'fw' | 'maw' | 'style'> {
  title: string;
  cell: (row: Row) => ReactNode;
  /** Its texts are long: it keeps room for them where the table is narrow. */
  isLong?: boolean;
  /** What stands in it speaks for itself, buttons for example: the title is only heard. */
  isPlain?: boolean;
}

interface RowTableProps<Row> extends Omit<TableProps, 'children'> {
  label: string;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  columns: readonly RowColumn<Row>[];
  /** On a phone each row stands as a list of its cells. */
  stacks?: boolean;
}

/** Rows of one kind. */
export function RowTable<Row>({ label, rows, rowKey, columns, stacks = true, ...props }: RowTableProps<Row>) {
  return (
    <WideTable label={label} stacks={stacks} {...props}>
      <Table.Thead>
        <Table.Tr>
          {columns.map(({ title, isPlain = false }) => (
            <Table.Th key={title}>{isPlain ? <span className="visually-hidden">{title}</span> : title}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={rowKey(row)}>
            {columns.map(({ title, cell, isLong = false, isPlain = false, ...look }) => (
              <Table.Td key={title} data-title={isPlain ? '' : title} data-long={isLong || undefined} {...look}>
                {cell(row)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
