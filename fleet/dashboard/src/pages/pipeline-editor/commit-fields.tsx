import { NumberInput, type NumberInputProps, Textarea, type TextareaProps, TextInput, type TextInputProps } from '@mantine/core';
import { useEffect, useState } from 'react';

interface Committed<Value> {
  value: Value;
  /** Called when the field is left, or by the enter key, if something else stands in it. */
  onCommit: (value: Value) => void;
}

/** A line of text that counts when one has finished it: every step in between would be a change of the document. */
export function CommitText({ value, onCommit, ...props }: Committed<string> & Omit<TextInputProps, 'value' | 'onChange'>) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const commit = (): void => {
    if (text !== value) onCommit(text);
  };
  return (
    <TextInput
      size="xs"
      {...props}
      value={text}
      onChange={({ currentTarget }) => setText(currentTarget.value)}
      onBlur={commit}
      onKeyDown={({ key }) => key === 'Enter' && commit()}
    />
  );
}

export function CommitLines({ value, onCommit, ...props }: Committed<string> & Omit<TextareaProps, 'value' | 'onChange'>) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <Textarea
      size="xs"
      autosize
      {...props}
      value={text}
      onChange={({ currentTarget }) => setText(currentTarget.value)}
      onBlur={() => text !== value && onCommit(text)}
    />
  );
}

export function CommitNumber({ value, onCommit, ...props }: Committed<number | undefined> & Omit<NumberInputProps, 'value' | 'onChange'>) {
  const [number, setNumber] = useState<number | string>(value ?? '');
  useEffect(() => setNumber(value ?? ''), [value]);
  const commit = (): void => {
    const next = typeof number === 'number' ? number : undefined;
    if (next !== value) onCommit(next);
  };
  return (
    <NumberInput
      size="xs"
      {...props}
      value={number}
      onChange={setNumber}
      onBlur={commit}
      onKeyDown={({ key }) => key === 'Enter' && commit()}
    />
  );
}
