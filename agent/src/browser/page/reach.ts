import type { AgentStatus } from '../../core/index.ts';
import type { Notice } from './notices.ts';

/** How far the fleet is, as people say it. */
export type ReachWord = 'starting' | 'connecting' | 'online' | 'offline';

export interface Reach {
  word: ReachWord;
  /** For longer than a link takes that is only renewed. */
  isLost: boolean;
}

const LOST_AFTER_MS = 3_000;

/** A fleet that is not reached is sought again and again: only the first search says that it connects, or the page would flicker. */
export function createReach(): (link: AgentStatus['link'] | undefined, nowMs: number) => Reach {
  let offlineSinceMs: number | undefined;
  return (link, nowMs) => {
    if (link === 'waiting') offlineSinceMs ??= nowMs;
    if (link === 'online') offlineSinceMs = undefined;
    if (link === undefined || link === 'idle' || link === 'closed') return { word: 'starting', isLost: false };
    if (link === 'online') return { word: 'online', isLost: false };
    if (offlineSinceMs === undefined) return { word: 'connecting', isLost: false };
    return { word: 'offline', isLost: nowMs - offlineSinceMs >= LOST_AFTER_MS };
  };
}

/** What a page without a fleet still does. @param runs whether a release runs on it */
export function lostNotice(runs: boolean): Notice {
  return runs
    ? {
        text: 'The fleet is not reached. This page works without it.',
        hint: 'What it measures is kept in this browser, and sent when the fleet is reached again; it tries by itself.',
      }
    : {
        text: 'The fleet is not reached, and nothing runs here yet.',
        hint: 'The release is pulled when the fleet is reached; this page tries by itself.',
      };
}
