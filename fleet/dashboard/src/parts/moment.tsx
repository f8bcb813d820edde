import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { nowMs } from '../clock.ts';
import { relativeTime, utcTime } from '../format/time.ts';

const TICK_MS = 5000;
const NowContext = createContext(0);
export const useNowMs = (): number => useContext(NowContext);

/** One tick for all relative times of the page. */
export function NowProvider({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(nowMs);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(nowMs()), TICK_MS);
    return () => window.clearInterval(timer);
  }, []);
  return <NowContext value={now}>{children}</NowContext>;
}

/** A moment: how long ago, with the exact time in UTC one hover away. */
export function Moment({ atMs, absent = 'never' }: { atMs: number | null; absent?: string }) {
  const now = useNowMs();
  if (atMs === null) return <>{absent}</>;
  return (
    <time dateTime={new Date(atMs).toISOString()} title={utcTime(atMs)} style={{ whiteSpace: 'nowrap' }}>
      {relativeTime(atMs, now)}
    </time>
  );
}

/** The exact time, with how long ago it was. */
export function ExactMoment({ atMs }: { atMs: number }) {
  const now = useNowMs();
  return (
    <time dateTime={new Date(atMs).toISOString()} title={relativeTime(atMs, now)}>
      {utcTime(atMs)}
    </time>
  );
}
