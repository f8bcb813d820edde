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
  if (code === 'claim-token-refused') {
    return {
      text: `The link or QR code that opened this page adds no device: ${ended(message.replace(/^.*cannot be used: /, ''))}`,
      hint: 'Each is for as many devices, and for as long, as it was made for. Make a new one under "Add a device" on the dashboard.',
      isBad: true,
    };
  }
  if (code === 'device-revoked') {
    return {
      text: 'This browser was a device of this fleet and was revoked: its key is refused.',
      hint: 'To add it as a new device, clear what this site keeps in the browser, and open a new link of "Add a device" on the dashboard.',
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
  return `${text.slice(0, 1).toUpperCase()}${ended(text.slice(1))}`;
}

function ended(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

export function errorNotice(error: unknown): Notice {
  return problemNotice(isStarlingError(error) ? error : { code: 'failed', message: messageOf(error) });
}
