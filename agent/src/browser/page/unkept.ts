import { messageOf } from '@starling/shared';
import type { Notice } from './notices.ts';

/** Browsers put the addresses of scope and script before what happened. */
const ADDRESSES = /^.*\('[^']*'\)[^:]*: /;
const CERTIFICATE = /certificate|ssl/i;

/** A page whose service worker was refused does not start again without a network: why, as far as the browser says it. */
export function unkeptNotice(error: unknown): Notice {
  const said = messageOf(error).replace(ADDRESSES, '');
  const what = CERTIFICATE.test(said) ? ' How to make it trust the fleet stands beside the code in the dashboard, under Enrolment.' : '';
  return { text: 'This page runs, and will not start again without a network.', hint: `The browser says: ${said}${what}` };
}
