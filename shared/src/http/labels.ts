import { z } from 'zod';

/** What people call devices by. */
export const labelNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._/-]{0,62}$/, 'begins with a lower-case letter or digit and goes on with these and . _ / -');
export const labelValueSchema = z.string().max(200);
export const labelsSchema = z.record(labelNameSchema, labelValueSchema);
export const deviceNameSchema = z.string().min(1).max(100);
