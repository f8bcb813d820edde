import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import classes from './sideways.module.css';

interface SidewaysProps {
  /** What scrolls: its content may be wider than the page. */
  children: (scroller: RefObject<HTMLDivElement | null>) => ReactNode;
  /** Says in words too that there is more. */
  withWords?: boolean;
}

const NEAR_PX = 2;

/** Shows on which side of what scrolls sideways there is more: on a phone no bar says so. */
export function Sideways({ children, withWords = false }: SidewaysProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { left, right } = useHidden(scroller);
  return (
    <div className={classes.frame} data-left={left || undefined} data-right={right || undefined}>
      {withWords && (left || right) && (
        <p className={classes.words} aria-hidden>
          {left && '← '}scroll sideways for more{right && ' →'}
        </p>
      )}
      <div className={classes.window}>{children(scroller)}</div>
    </div>
  );
}

function useHidden(scroller: RefObject<HTMLDivElement | null>): { left: boolean; right: boolean } {
  const [hidden, setHidden] = useState({ left: false, right: false });
  useEffect(() => {
    const node = scroller.current;
    if (node === null) return;
    const look = (): void => {
      const left = node.scrollLeft > NEAR_PX;
      const right = node.scrollLeft + node.clientWidth < node.scrollWidth - NEAR_PX;
      setHidden((before) => (before.left === left && before.right === right ? before : { left, right }));
    };
    const observer = new ResizeObserver(look);
    for (const each of [node, ...node.children]) observer.observe(each);
    node.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      node.removeEventListener('scroll', look);
    };
  }, [scroller]);
  return hidden;
}
