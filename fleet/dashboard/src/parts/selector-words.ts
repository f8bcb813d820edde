import type { SelectorCheck } from '@starling/shared';
import { counted } from '../format/quantity.ts';

/** How many devices a selector means, in words. */
export function countWords(counts: SelectorCheck | undefined): string | undefined {
  if (counts === undefined) return undefined;
  const { devices, online, total } = counts;
  if (devices === 0) return `selects none of ${counted(total)} devices now`;
  return `selects ${devices === total ? 'all' : counted(devices)} of ${counted(total)} devices, ${counted(online)} of them online`;
}
