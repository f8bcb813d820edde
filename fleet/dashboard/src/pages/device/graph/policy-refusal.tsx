import { Alert, Stack, Text } from '@mantine/core';
import { CommandBox } from '../../../parts/command-box.tsx';

interface PolicyRefusalProps {
  port: string;
  release: string;
  /** `name@version` */
  pipeline: string;
}

/** Why the values of a port cannot be looked at, and what would change that. */
export function PolicyRefusal({ port, release, pipeline }: PolicyRefusalProps) {
  return (
    <Alert
      variant="outline"
      color="yellow"
      title="Its values stay on the device"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="xs">
        <Text size="sm">
          The policy of {release}, signed by the publisher, lets nobody see the values of <code>{port}</code>. A release that names it may
          be watched:
        </Text>
        <CommandBox
          label="In a terminal that holds the publisher key:"
          command={`starling release create NAME --pipeline ${pipeline} --allow-edge ${port}`}
        />
      </Stack>
    </Alert>
  );
}
