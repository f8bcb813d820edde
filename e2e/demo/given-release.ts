import type { DeviceView } from '@starling/shared';

/**
 * What is to be said of a device that somebody gave another release than the demo's: whether it runs, and what it takes, is theirs.
 * @returns undefined while it has the release of the demo
 */
export function wordsOfGivenRelease({ name, desired, reported }: GivenDevice, demoRelease: string): string | undefined {
  if (desired === null || desired.release === demoRelease) return undefined;
  if (desired.release === null) return `${name} has no release, since somebody took it away`;
  const state = reported?.phase === 'failed' ? `, and could not run it: ${reported.error?.message ?? 'its page says why'}` : '';
  return `${name} is on ${desired.releaseName ?? desired.release.slice(0, 12)}, which somebody gave it${state}`;
}

type GivenDevice = Pick<DeviceView, 'name'> & {
  desired: Pick<NonNullable<DeviceView['desired']>, 'release' | 'releaseName'> | null;
  reported: { phase: string; error?: { message: string } | null | undefined } | null;
};
