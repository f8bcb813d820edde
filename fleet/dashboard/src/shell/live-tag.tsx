import { type LiveState, useLiveState } from '../data/live.tsx';
import classes from './live-tag.module.css';

const words: Record<LiveState, string> = { connecting: 'connecting', live: 'live', away: 'reconnecting' };

/** Whether what is shown follows the fleet by itself right now. */
export function LiveTag() {
  const state = useLiveState();
  return (
    <span className={classes.live} data-state={state} role="status">
      <span className={classes.dot} aria-hidden />
      {words[state]}
    </span>
  );
}
