import { bytesOf, inWords, percentOf } from '../../format/quantity.ts';
import classes from './size-bar.module.css';

/** A size in bytes, drawn as a share of the source it was built from. */
export function SizeBar({ sizeBytes, sourceBytes }: { sizeBytes: number; sourceBytes: number }) {
  const share = sizeBytes / sourceBytes;
  return (
    <div>
      <div className={classes.words}>
        <span>{inWords(bytesOf(sizeBytes))}</span>
        <span>{inWords(percentOf(share))}</span>
      </div>
      <div className={classes.track} aria-hidden>
        <div className={classes.fill} style={{ width: `${Math.min(100, share * 100)}%` }} />
      </div>
    </div>
  );
}
