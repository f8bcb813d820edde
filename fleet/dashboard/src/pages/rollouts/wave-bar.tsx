import type { TargetCounts } from '@starling/shared';
import { counted } from '../../format/quantity.ts';
import { sharesOf, targetWords } from './state-words.ts';
import classes from './wave-bar.module.css';

interface WaveBarProps {
  counts: TargetCounts;
  /** The bar alone: the words stand elsewhere. */
  isBare?: boolean;
}

/** Devices by what became of them: a bar for the eye, and the same in words. */
export function WaveBar({ counts, isBare = false }: WaveBarProps) {
  const shares = sharesOf(counts);
  return (
    <div>
      <div className={classes.bar} aria-hidden>
        {shares.map(({ state, devices }) => (
          <div key={state} className={classes.part} data-tone={targetWords[state].tone} style={{ flexGrow: devices }} />
        ))}
      </div>
      <ul className={isBare ? 'visually-hidden' : classes.words}>
        {shares.length === 0 && <li>no device yet</li>}
        {shares.map(({ state, devices }) => (
          <li key={state} className={classes.word}>
            <span className={`${classes.part} ${classes.dot}`} data-tone={targetWords[state].tone} aria-hidden />
            {counted(devices)} {targetWords[state].words}
          </li>
        ))}
      </ul>
    </div>
  );
}
