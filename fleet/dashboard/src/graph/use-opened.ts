import { useCallback, useState } from 'react';

/** Which inner pipelines are drawn open. */
export function useOpened(first: () => ReadonlySet<string> = () => new Set()): {
  opened: ReadonlySet<string>;
  toggle: (id: string) => void;
} {
  const [opened, setOpened] = useState(first);
  const toggle = useCallback((id: string): void => {
    setOpened((before) => {
      // What was open inside closes with it.
      if (before.has(id)) return new Set([...before].filter((each) => each !== id && !each.startsWith(`${id}/`)));
      return new Set([...before, id]);
    });
  }, []);
  return { opened, toggle };
}
