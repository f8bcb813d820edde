import { z } from 'zod';

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(\d{1,6})(s|m|h|d)$/;

/** A length of time as people write it: `90s`, `30m`, `4h`, `7d`. */
export const durationSchema = z
  .string()
  .regex(pattern, 'write a number and s, m, h or d, such as 30m')
  .refine((text) => durationMs(text) > 0, 'a length of time is more than nothing')
  .meta({ description: 'A number and `s`, `m`, `h` or `d`', examples: ['30m', '7d'] });
export type Duration = z.infer<typeof durationSchema>;

/** @param text of `durationSchema` @returns milliseconds; 0 for what is none */
export function durationMs(text: string): number {
  const [, count = '0', unit = 's'] = pattern.exec(text) ?? [];
  return Number(count) * unitMs[unit as keyof typeof unitMs];
}
