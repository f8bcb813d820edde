import type { ReactNode } from 'react';
import type { Quantity } from '../format/quantity.ts';
import classes from './figure-tile.module.css';

interface FigureTileProps {
  label: string;
  value: Quantity;
  note?: ReactNode;
}

/** One figure with its unit and what it means. Inside a `<dl>`. */
export function FigureTile({ label, value: { figure, unit }, note }: FigureTileProps) {
  return (
    <div className={classes.tile}>
      <dt className={classes.label}>{label}</dt>
      <dd className={classes.value}>
        {figure}
        {unit !== '' && <span className={classes.unit}> {unit}</span>}
      </dd>
      <dd className={classes.note}>{note ?? ' '}</dd>
    </div>
  );
}

/** Figures side by side: as many as fit, in whole rows of six. */
export function FigureRow({ children }: { children: ReactNode }) {
  return (
    <div className={classes.frame}>
      <dl className={classes.row}>{children}</dl>
    </div>
  );
}
