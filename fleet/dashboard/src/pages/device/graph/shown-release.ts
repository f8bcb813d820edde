import type { DeviceView } from '@starling/shared';

/** What a device was heard of its figures: `reading` is not `none`. */
export type Told = { state: 'reading' } | { state: 'refused'; message: string } | { state: 'none' } | { state: 'told'; span: string };

/** The release whose graph is drawn, and whether it is the one that runs. */
export interface ShownRelease {
  digest: string;
  isRunning: boolean;
  /** Where it stands, if that is not what one would expect; a sentence. */
  remark: string | undefined;
}

/**
 * What runs, since figures are of that; else what is to run; else what ran last.
 * @returns undefined for a device that was never given a release
 */
export function shownReleaseOf({
  desired,
  reported,
  online,
}: Pick<DeviceView, 'desired' | 'reported' | 'online'>): ShownRelease | undefined {
  const running = reported?.running?.release;
  const assigned = desired?.release ?? undefined;
  if (running !== undefined) {
    const next = assigned === undefined || assigned === running ? undefined : (desired?.releaseName ?? assigned.slice(0, 12));
    return {
      digest: running,
      isRunning: true,
      remark: next === undefined ? undefined : `It is assigned ${next}, and still runs this one.`,
    };
  }
  if (assigned !== undefined) {
    return {
      digest: assigned,
      isRunning: false,
      remark: online ? 'It does not run this release yet.' : 'It is offline, and has not run this release yet.',
    };
  }
  const last = reported?.previous ?? desired?.previousRelease ?? undefined;
  return last === undefined ? undefined : { digest: last, isRunning: false, remark: 'Nothing is assigned: this is what it ran last.' };
}

/** Of whom the figures on a drawing are, and what there is instead of them. */
export function noteOf(told: Told, { remark }: Pick<ShownRelease, 'remark'>, workers: readonly string[]): string {
  return [figuresNote(told, workers), remark].filter((each) => each !== undefined).join(' ');
}

function figuresNote(told: Told, workers: readonly string[]): string {
  if (told.state === 'reading') return 'Reading its figures …';
  if (told.state === 'refused') return `Its figures cannot be read: ${told.message}.`;
  if (told.state === 'none') return 'No figures yet: a device tells them once items go through.';
  const parts = workers.length === 0 ? '' : ` Those inside of parts are of ${workers.join(' and ')}, for all that it works for.`;
  return `Figures of the last ${told.span}: on nodes runs and the time of each, on lines values.${parts}`;
}
