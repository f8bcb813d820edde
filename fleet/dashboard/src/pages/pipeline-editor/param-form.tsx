import { Alert, Stack } from '@mantine/core';
import { useContext } from 'react';
import { ParamContext, type ParamPath } from './param-context.ts';
import type { ParamField } from './param-fields.ts';
import { ParamInput } from './param-input.tsx';

interface ParamFormProps {
  fields: readonly ParamField[];
  values: Readonly<Record<string, unknown>>;
  /** Without a value what stands at the path is left out, and what holds by default holds. */
  /** @param renamed the entry of the value that has another name now */
  onSet: (path: ParamPath, value: unknown, renamed?: { name: string; to: string }) => void;
}

/** The parameters of a node, each as a field of its kind, made from their schema. */
export function ParamForm({ fields, values, onSet }: ParamFormProps) {
  const { problems } = useContext(ParamContext);
  const names = new Set(fields.map(({ name }) => name));
  const others = [...problems].filter(([path]) => !names.has(path.split('.')[0] ?? ''));
  return (
    <Stack gap="xs">
      {others.map(([path, message]) => (
        <Alert key={path} variant="outline" color="red" p="xs" title={path === '' ? undefined : path}>
          {message}
        </Alert>
      ))}
      {fields.map((field) => (
        <ParamInput key={field.name} {...{ field, onSet }} path={[field.name]} value={values[field.name]} />
      ))}
    </Stack>
  );
}
