import { Group, Pagination, Text } from '@mantine/core';
import { counted } from '../format/quantity.ts';

interface PagerProps {
  total: number;
  limit: number;
  offset: number;
  onPage: (page: number) => void;
  what: string;
}

/** Where in a list one is, and the way to the rest of it. */
export function Pager({ total, limit, offset, onPage, what }: PagerProps) {
  const pages = Math.max(1, Math.ceil(total / limit));
  const last = Math.min(total, offset + limit);
  return (
    <Group justify="space-between" px="md" py="xs" gap="xs">
      <Text size="sm" c="dimmed" aria-live="polite">
        {total === 0 ? `No ${what}` : `${counted(offset + 1)} to ${counted(last)} of ${counted(total)} ${what}`}
      </Text>
      {pages > 1 && (
        <nav aria-label={`Pages of ${what}`}>
          <Pagination
            size="sm"
            total={pages}
            value={Math.floor(offset / limit) + 1}
            onChange={onPage}
            getControlProps={(control) => ({ 'aria-label': `${control} page` })}
            getItemProps={(page) => ({ 'aria-label': `Page ${page}` })}
          />
        </nav>
      )}
    </Group>
  );
}
