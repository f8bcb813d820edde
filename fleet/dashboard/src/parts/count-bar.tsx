import { counted } from '../format/quantity.ts';
import classes from './count-bar.module.css';
import type { Tone } from './tag.tsx';

export interface CountPart {
  key: string;
  tone: Tone;
  devices: number;
  /** After the number: `wait`, `are done`. */
  words: string;
}

interface CountBarProps {
  parts: readonly CountPart[];
  /** The bar alone: the words stand elsewhere. */
  isBare?: boolean;
}

/** Devices by what became of them: a bar for the eye, and the same in words. */
export function CountBar({ parts, isBare = false }: CountBarProps) {
  return (
    <div>
      <div className={classes.bar} aria-hidden>
        {parts.map(({ key, tone, devices }) => (
          <div key={key} className={classes.part} data-tone={tone} style={{ flexGrow: devices }} />
        ))}
      </div>
      <ul className={isBare ? 'visually-hidden' : classes.words}>
        {parts.length === 0 && <li>no device yet</li>}
        {parts.map(({ key, tone, devices, words }) => (
          <li key={key} className={classes.word}>
            <span className={`${classes.part} ${classes.dot}`} data-tone={tone} aria-hidden />
            {counted(devices)} {words}
          </li>
        ))}
      </ul>
    </div>
  );
}
