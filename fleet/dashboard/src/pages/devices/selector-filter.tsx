import { useDebouncedCallback } from '@mantine/hooks';
import { checkSelector } from '@starling/shared';
import { useEffect, useState } from 'react';
import { useSelectorCheck } from '../../data/selector-check.ts';
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';

const PAUSE_MS = 400;

/** Narrows the list by a selector as soon as one stands there that can be read. */
export function SelectorFilter({ value, onSelect }: { value: string | undefined; onSelect: (text: string | undefined) => void }) {
  const [text, setText] = useState(value ?? '');
  const { vocabulary, problem, counts } = useSelectorCheck(text);
  const selectSoon = useDebouncedCallback((next: string) => {
    if (next.trim() === '') onSelect(undefined);
    else if (checkSelector(next, { groups: vocabulary?.groups }) === undefined) onSelect(next);
  }, PAUSE_MS);
  // The address may change by itself: back, forward, a link.
  useEffect(() => setText((current) => (value === undefined || current === value ? current : value)), [value]);
  return (
    <SelectorField
      label="Selector"
      value={text}
      onChange={(next) => {
        setText(next);
        selectSoon(next);
      }}
      {...{ vocabulary, problem, note: countWords(counts) }}
    />
  );
}
