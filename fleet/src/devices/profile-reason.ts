import type { profileReasonSchema } from '@starling/shared';
import type { z } from 'zod';

/** Why a device has its profile. */
export type ProfileReason = z.infer<typeof profileReasonSchema>;
