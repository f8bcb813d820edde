import { Alert, Stack, Text } from '@mantine/core';
import type { Release } from '@starling/shared';
import { CommandBox } from '../../../parts/command-box.tsx';
import { commandToWatch } from './release-command.ts';

interface PolicyRefusalProps {
  port: string;
  release: Release;
}

/** Why the values of a port cannot be looked at, and what would change that. */
export function PolicyRefusal({ port, release }: PolicyRefusalProps) {
  const { command, leftOut } = commandToWatch(release, port);
  return (
    <Alert
      variant="outline"
      color="yellow"
      title="Its values stay on the device"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="xs">
        <Text size="sm">
          The policy of {release.name}, signed by the publisher, lets nobody see the values of <code>{port}</code>. A release like it that
          names it may be watched:
        </Text>
        <CommandBox label="In a terminal that holds the publisher key:" command={command} />
        {leftOut.length > 0 && (
          <Text size="sm">
            What it says of {leftOut.join(' and ')} goes into a file: <code>--policies FILE</code>.
          </Text>
        )}
      </Stack>
    </Alert>
  );
}
