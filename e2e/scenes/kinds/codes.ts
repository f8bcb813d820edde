import { containerCheckDigit } from '../container-code.ts';
import type { Random } from '../random.ts';

// Neither I nor O nor Q: on real plates they would be taken for 1 and 0.
const LETTERS = [...'ABCDEFGHJKLMNPRSTUVWXYZ'];

export function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.integer(0, 9)).join('');
}

export function letters(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(LETTERS)).join('');
}

/** A freight container's number with a right check digit (ISO 6346), as painted: `MSKU 305438 3`. */
export function containerNumber(random: Random): string {
  const owner = `${letters(random, 3)}${random.pick(['U', 'U', 'U', 'J', 'Z'])}`;
  const serial = digits(random, 6);
  return `${owner} ${serial} ${containerCheckDigit(owner + serial)}`;
}

export function isoDate(random: Random): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${random.integer(2025, 2031)}-${two(random.integer(1, 12))}-${two(random.integer(1, 28))}`;
}
