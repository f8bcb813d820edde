import { Alert, Text } from '@mantine/core';

/** Why the values of a port cannot be looked at, and what would change that. */
export function PolicyRefusal({ port, release }: { port: string; release: string }) {
  return (
    <Alert
      variant="outline"
      color="yellow"
      title="Its values stay on the device"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Text size="sm">
        The policy of {release}, signed by the publisher, lets nobody see the values of <code>{port}</code>. To watch them, make a release
        whose policies name it, with <code>starling release create --policies FILE</code>:
      </Text>
      <pre style={{ margin: '0.4rem 0 0', fontSize: '0.8rem', overflowX: 'auto' }}>{`egress:\n  edges: ["${port}"]`}</pre>
    </Alert>
  );
}
