import { Text } from '@mantine/core';
import { TextLink } from './link.tsx';

/** A device in a table: its name, which leads to its page, and whether it is away. */
export function DeviceCell({ device, name, online }: { device: string; name: string; online: boolean }) {
  return (
    <div>
      <TextLink to="/devices/$id" params={{ id: device }} fw={600} size="sm">
        {name}
      </TextLink>
      {!online && (
        <Text size="xs" c="dimmed">
          away
        </Text>
      )}
    </div>
  );
}
