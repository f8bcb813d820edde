import { Select, Stack } from '@mantine/core';
import { useState } from 'react';
import { parse, stringify } from 'yaml';
import { CommitLines, CommitNumber, CommitText } from './commit-fields.tsx';
import { isReference, type ParamField } from './param-fields.ts';

interface ParamFormProps {
  fields: readonly ParamField[];
  values: Readonly<Record<string, unknown>>;
  /** Without a value the parameter is left out, and what holds by default holds. */
  onSet: (name: string, value: unknown) => void;
}

/** The parameters of a node, each as a field of its kind, made from their schema. */
export function ParamForm({ fields, values, onSet }: ParamFormProps) {
  return (
    <Stack gap="xs">
      {fields.map((field) => (
        <ParamInput key={field.name} field={field} value={values[field.name]} onSet={(value) => onSet(field.name, value)} />
      ))}
    </Stack>
  );
}

interface ParamInputProps {
  field: ParamField;
  value: unknown;
  onSet: (value: unknown) => void;
}

function ParamInput({ field, value, onSet }: ParamInputProps) {
  const { name, description, isRequired, fallback } = field;
  const placeholder =
    fallback === undefined ? '' : typeof fallback === 'object' ? stringify(fallback, { collectionStyle: 'flow' }).trim() : String(fallback);
  const common = { label: name, description, required: isRequired && fallback === undefined, placeholder };
  if (isReference(value)) return <CommitText {...common} value={value} onCommit={(next) => onSet(next === '' ? undefined : typed(next))} />;
  switch (field.kind) {
    case 'number':
      return (
        <CommitNumber
          {...common}
          value={typeof value === 'number' ? value : undefined}
          onCommit={onSet}
          allowDecimal={!field.isInteger}
          clampBehavior="none"
          {...(field.minimum !== undefined && { min: field.minimum })}
          {...(field.maximum !== undefined && { max: field.maximum })}
        />
      );
    case 'flag':
      return (
        <Choice
          {...common}
          options={['true', 'false']}
          value={value}
          onSet={(text) => onSet(text === undefined ? undefined : text === 'true')}
        />
      );
    case 'choice':
      return (
        <Choice
          {...common}
          options={field.options.map(String)}
          value={value}
          onSet={(text) => onSet(field.options.find((option) => String(option) === text))}
        />
      );
    case 'text':
      return (
        <CommitText {...common} value={typeof value === 'string' ? value : ''} onCommit={(text) => onSet(text === '' ? undefined : text)} />
      );
    default:
      return <YamlInput {...common} value={value} onSet={onSet} />;
  }
}

interface ChoiceProps {
  label: string;
  description: string;
  required: boolean;
  placeholder: string;
  options: readonly string[];
  value: unknown;
  onSet: (text: string | undefined) => void;
}

function Choice({ options, value, onSet, ...common }: ChoiceProps) {
  return (
    <Select
      size="xs"
      {...common}
      clearable={!common.required}
      clearButtonProps={{ 'aria-label': `Clear ${common.label}` }}
      data={[...options]}
      value={value === undefined ? null : String(value)}
      onChange={(next) => onSet(next ?? undefined)}
    />
  );
}

/** Lists and objects, as they stand in the document. */
function YamlInput({ value, onSet, ...common }: Omit<ChoiceProps, 'options' | 'onSet'> & { onSet: (value: unknown) => void }) {
  const [problem, setProblem] = useState<string>();
  const text = value === undefined ? '' : stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  return (
    <CommitLines
      {...common}
      error={problem}
      value={text}
      onCommit={(next) => {
        try {
          setProblem(undefined);
          onSet(next.trim() === '' ? undefined : (parse(next) as unknown));
        } catch {
          setProblem('This is no YAML; write a list as [1, 2] and an object as { a: 1 }.');
        }
      }}
    />
  );
}

/** What is written in a field that stood for a parameter: a number is one again. */
function typed(text: string): unknown {
  try {
    return isReference(text) ? text : (parse(text) as unknown);
  } catch {
    return text;
  }
}
