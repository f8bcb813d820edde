import { Table, type TableProps } from '@mantine/core';
import type { ReactNode } from 'react';

interface WideTableProps extends TableProps {
  label: string;
  children: ReactNode;
}

/** A table that scrolls sideways inside itself where the page is narrower; the keyboard reaches it there. */
export function WideTable({ label, children, ...props }: WideTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
    <section aria-label={label} tabIndex={0} style={{ overflowX: 'auto', position: 'relative' }}>
      <Table verticalSpacing="xs" horizontalSpacing="md" {...props}>
        {children}
      </Table>
    </section>
  );
}
