import { Group, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

interface PageHeaderProps {
  title: string;
  /** Beside the title: a state, a digest. */
  badge?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
}

/** Title of a page, in the page and in the window's own title. */
export function PageHeader({ title, badge, note, actions }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Starling`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" gap="sm">
      <div style={{ minWidth: 0, flex: '1 1 16rem' }}>
        <Group gap="sm">
          <Title order={1} size="h2" style={{ letterSpacing: '-0.02em', overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {badge}
        </Group>
        {note !== undefined && (
          <Text c="dimmed" size="sm" component="div" mt={2}>
            {note}
          </Text>
        )}
      </div>
      {actions !== undefined && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
