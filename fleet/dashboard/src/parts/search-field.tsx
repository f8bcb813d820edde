import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useState } from 'react';

interface SearchFieldProps {
  label: string;
  value: string | undefined;
  onSearch: (text: string | undefined) => void;
  width?: number | string;
}

const PAUSE_MS = 250;

/** Words to narrow a list by; the list follows when the typing pauses. */
export function SearchField({ label, value, onSearch, width = 260 }: SearchFieldProps) {
  const [text, setText] = useState(value ?? '');
  const searchSoon = useDebouncedCallback((next: string) => onSearch(next.trim() === '' ? undefined : next.trim()), PAUSE_MS);
  // The address may change by itself: back, forward, a link.
  useEffect(() => setText((current) => (current.trim() === (value ?? '') ? current : (value ?? ''))), [value]);
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={16} aria-hidden />}
      w={{ base: '100%', sm: width }}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value);
        searchSoon(currentTarget.value);
      }}
    />
  );
}
