import { Tabs } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { Sideways } from './sideways.tsx';
import classes from './tab-row.module.css';

interface TabRowProps<Name extends string> {
  names: readonly Name[];
  words: Readonly<Record<Name, string>>;
  /** The tab that is open. */
  value: Name;
}

/** Tabs in one line that scrolls where the page is narrower; the open one is always in sight. */
export function TabRow<Name extends string>({ names, words, value }: TabRowProps<Name>) {
  const open = useRef<HTMLButtonElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab is open then
  useEffect(() => {
    const list = open.current?.parentElement;
    if (open.current === null || list == null) return;
    const { offsetLeft, offsetWidth } = open.current;
    list.scrollLeft = offsetLeft - (list.clientWidth - offsetWidth) / 2;
  }, [value]);
  return (
    <Sideways>
      {(scroller) => (
        <Tabs.List ref={scroller} className={classes.row}>
          {names.map((name) => (
            <Tabs.Tab key={name} value={name} ref={name === value ? open : undefined} className={classes.tab}>
              {words[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      )}
    </Sideways>
  );
}
