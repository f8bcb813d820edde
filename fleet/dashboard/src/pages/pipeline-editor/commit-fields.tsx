import { NumberInput, type NumberInputProps, Select, Textarea, type TextareaProps, TextInput, type TextInputProps } from '@mantine/core';
import { useState } from 'react';

interface Committed<Value> {
  value: Value;
  /** Called when the field is left, or by the enter key, if something else stands in it. */
  onCommit: (value: Value) => void;
}

/**
 * What is typed counts when the field is left, or by the enter key. From then on the field shows the document again: it may follow late, or go
 * back by an undo before it has followed at all.
 */
function useTyped<Typed, Value>(
  { value, onCommit }: Committed<Value>,
  read: (typed: Typed) => Value,
): { typed: Typed | undefined; type: (typed: Typed) => void; commit: () => void } {
  const [typed, type] = useState<Typed>();
  return {
    typed,
    type,
    commit() {
      if (typed === undefined) return;
      type(undefined);
      if (read(typed) !== value) onCommit(read(typed));
    },
  };
}

const asTyped = (text: string): string => text;

/** A line of text that counts when one has finished it: every step in between would be a change of the document. */
export function CommitText({ value, onCommit, ...props }: Committed<string> & Omit<TextInputProps, 'value' | 'onChange'>) {
  const { typed, type, commit } = useTyped({ value, onCommit }, asTyped);
  return (
    <TextInput
      size="xs"
      {...props}
      value={typed ?? value}
      onChange={({ currentTarget }) => type(currentTarget.value)}
      onBlur={commit}
      onKeyDown={({ key }) => key === 'Enter' && commit()}
    />
  );
}

export function CommitLines({ value, onCommit, ...props }: Committed<string> & Omit<TextareaProps, 'value' | 'onChange'>) {
  const { typed, type, commit } = useTyped({ value, onCommit }, asTyped);
  return (
    <Textarea
      size="xs"
      autosize
      {...props}
      value={typed ?? value}
      onChange={({ currentTarget }) => type(currentTarget.value)}
      onBlur={commit}
    />
  );
}

function numberOf(typed: number | string): number | undefined {
  return typeof typed === 'number' ? typed : undefined;
}

interface CommitNumberProps extends Committed<number | undefined>, Omit<NumberInputProps, 'value' | 'onChange'> {
  /** What is wrong with a number, said while it is typed: it stands in the document only later. */
  errorOf?: (value: number | undefined) => string | undefined;
}

export function CommitNumber({ value, onCommit, error, errorOf, ...props }: CommitNumberProps) {
  const { typed, type, commit } = useTyped({ value, onCommit }, numberOf);
  return (
    <NumberInput
      size="xs"
      {...props}
      error={typed === undefined || errorOf === undefined ? error : errorOf(numberOf(typed))}
      value={typed ?? value ?? ''}
      onChange={type}
      onBlur={commit}
      onKeyDown={({ key }) => key === 'Enter' && commit()}
    />
  );
}

interface CommitChoiceProps<Value extends string> {
  label: string;
  description?: string;
  /** What each value is called. */
  choices: Readonly<Record<Value, string>>;
  value: Value;
  onCommit: (value: Value) => void;
}

/** One of a few, each with words of its own. */
export function CommitChoice<Value extends string>({ choices, onCommit, ...props }: CommitChoiceProps<Value>) {
  return (
    <Select
      size="xs"
      {...props}
      data={Object.entries<string>(choices).map(([value, label]) => ({ value, label }))}
      allowDeselect={false}
      onChange={(value) => value !== null && onCommit(value as Value)}
    />
  );
}
