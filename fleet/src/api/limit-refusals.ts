import { StarlingError } from '@starling/shared';
import type { MiddlewareHandler } from 'hono';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { ApiEnv } from './route.ts';

/** Refusals that one peer may collect in a minute. A site of many devices behind one address gets none while their keys are good. */
const REFUSALS_MAXIMUM = 60;
const WINDOW_SECONDS = 60;

/**
 * Attack: guessing of claim tokens, and floods of logins that must each be verified. Only refused requests count, so that ten thousand
 * devices that come back at once after a power cut all get in.
 */
export function limitRefusals(peerOf: (environment: unknown) => string): MiddlewareHandler<ApiEnv> {
  const limiter = new RateLimiterMemory({ points: REFUSALS_MAXIMUM, duration: WINDOW_SECONDS });
  return async (context, next) => {
    const peer = peerOf(context.env);
    const known = await limiter.get(peer);
    if (known !== null && known.consumedPoints >= REFUSALS_MAXIMUM) {
      context.header('retry-after', `${Math.ceil(known.msBeforeNext / 1000)}`);
      throw new StarlingError('too-many-requests', 'too many requests from this address were refused', {
        hint: `wait ${Math.ceil(known.msBeforeNext / 1000)} s`,
        retryable: true,
      });
    }
    await next();
    // A device that waits for approval, or was revoked, is told so by 403, and asks again: that is no guessing.
    if (context.res.status === 401) await limiter.penalty(peer);
  };
}
