import { isStarlingError, messageOf, type Problem } from '@starling/shared';
import type { Notice } from './notices.ts';

/** What is wrong with this device, to somebody who has followed a link and knows no other way in. */
export function problemNotice({ code, message, hint }: Pick<Problem, 'code' | 'message' | 'hint'>): Notice {
  if (code === 'invalid-token') {
    return {
      text: 'The link that opened this page is not whole: its end is missing or changed.',
      hint: 'Scan the code again, or copy the whole link from "Add a device" on the dashboard.',
      isBad: true,
    };
  }
  return { text: asSentence(message), hint: hint === undefined ? undefined : asSentence(hint), isBad: true };
}

/** What came of no link that was whole, where none was needed. */
export const unneededLink: Notice = {
  text: 'The link that opened this page is not whole. It was not needed: this browser is a device already.',
};

/** Errors are written to stand behind something; here they stand alone. */
function asSentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
}

export function errorNotice(error: unknown): Notice {
  return problemNotice(isStarlingError(error) ? error : { code: 'failed', message: messageOf(error) });
}
