import { z } from 'zod';
import { StarlingError } from '../errors.ts';

/** Lower-case hex, not all zero (W3C Trace Context, 3.2.2.3). */
export const traceIdSchema = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/, 'a trace id has 32 digits of hex, not all zero');
export const spanIdSchema = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/, 'a span id has 16 digits of hex, not all zero');

/** A `traceparent` header (W3C Trace Context, 3.2). Later versions may carry more after the flags. */
export const traceparentSchema = z
  .string()
  .max(200)
  .regex(/^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/, 'write version-traceid-parentid-flags in hex')
  .refine((text) => !text.startsWith('00-') || text.length === 55, 'version 00 ends after the flags');

/** Where in a trace something was asked for. */
export interface TraceContext {
  traceId: string;
  /** Span that is the parent of what follows. */
  spanId: string;
  /** The caller records it. */
  isSampled: boolean;
}

/** @throws StarlingError `invalid-traceparent` */
export function parseTraceparent(text: string): TraceContext {
  const parsed = traceparentSchema.safeParse(text);
  if (!parsed.success)
    throw new StarlingError('invalid-traceparent', parsed.error.issues[0]?.message ?? 'invalid', { field: 'traceparent' });
  const [, traceId = '', spanId = '', flags = ''] = parsed.data.split('-');
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
