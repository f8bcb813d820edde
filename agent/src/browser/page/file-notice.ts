import { isStarlingError, messageOf } from '@starling/shared';
import type { Notice } from './notices.ts';

/** What became of a file that was taken: one that begins as a picture and is none to the decoder was damaged on its way here. */
export function fileNotice(name: string, error: unknown): Notice {
  if (isStarlingError(error) && error.code === 'not-an-image') {
    return {
      text: `${name} is damaged: it begins as a picture does, and cannot be decoded.`,
      hint: 'It may have been cut off when it was copied. Copy or save it anew.',
      isBad: true,
    };
  }
  return { text: `${name}: ${messageOf(error)}`, hint: isStarlingError(error) ? error.hint : undefined, isBad: true };
}
