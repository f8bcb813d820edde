import type { CSSProperties, ReactNode } from 'react';
import classes from './graph-frame.module.css';

/** A drawing with what is chosen in it beside it; below it where the page is narrow. */
export function GraphFrame({ canvas, side, height }: { canvas: ReactNode; side: ReactNode; height?: string }) {
  return (
    <div className={classes.frame} style={height === undefined ? undefined : ({ '--height': height } as CSSProperties)}>
      <div className={classes.canvas}>{canvas}</div>
      <div>{side}</div>
    </div>
  );
}
