import { ActionIcon, CopyButton, Group } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

/** The head of a digest or an id, with all of it one click away. */
export function Digest({ value, length = 12, what = 'digest' }: { value: string; length?: number; what?: string }) {
  return (
    <Group gap={4} wrap="nowrap" display="inline-flex">
      <span className="mono" title={value}>
        {value.slice(0, length)}
        {value.length > length && '…'}
      </span>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={copied ? `Copied the ${what}` : `Copy the ${what}`}
          >
            {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}
