import { Stack, Text } from '@mantine/core';
import { type ReactNode, useId } from 'react';

interface FieldsetProps {
  legend: string;
  /** What is wrong with all of it together. */
  error: string | undefined;
  children: ReactNode;
}

/** Several inputs that are one field. */
export function Fieldset({ legend, error, children }: FieldsetProps) {
  const id = useId();
  return (
    <Stack gap="xs" component="fieldset" m={0} p={0} style={{ border: 'none', minWidth: 0 }} aria-describedby={error && id}>
      <legend style={{ fontSize: '0.875rem', fontWeight: 500, padding: 0, marginBottom: 4 }}>{legend}</legend>
      {children}
      {error !== undefined && (
        <Text id={id} size="xs" c="error" role="alert">
          {error}
        </Text>
      )}
    </Stack>
  );
}
