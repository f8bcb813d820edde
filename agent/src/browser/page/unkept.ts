import { messageOf } from '@starling/shared';
import type { Notice } from './notices.ts';

/** Browsers put the addresses of scope and script before what happened. */
const ADDRESSES = /^.*\('[^']*'\)[^:]*: /;
const CERTIFICATE = /certificate|ssl/i;

const UNEXPLAINED = /unknown error/i;
const AGAIN_MS = 2_000;

/** A browser that is busy may refuse a service worker without a reason, and take it or give one a moment later. */
export async function againUnexplained<Result>(register: () => Promise<Result>, waitMs = AGAIN_MS): Promise<Result> {
  try {
    return await register();
  } catch (error) {
    if (!UNEXPLAINED.test(messageOf(error))) throw error;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    return register();
  }
}

/** A page whose service worker was refused does not start again without a network: why, as far as the browser says it. */
export function unkeptNotice(error: unknown): Notice {
  const said = messageOf(error).replace(ADDRESSES, '');
  const what = CERTIFICATE.test(said) ? ' How to make it trust the fleet stands beside the code of "Add a device" on the dashboard.' : '';
  return { text: 'This page runs, and will not start again without a network.', hint: `The browser says: ${said}${what}` };
}
