import { StarlingError } from '@starling/shared';

/**
 * The check digit of a freight container's number (ISO 6346): letters count from 10 upwards without multiples of 11, each place weighs
 * twice the one before, and the sum is taken modulo 11, then modulo 10.
 *
 * @param number owner code, category and serial number: four letters and six digits
 */
export function containerCheckDigit(number: string): number {
  if (!/^[A-Z]{3}[UJZ]\d{6}$/.test(number)) {
    throw new StarlingError('wrong-value', `"${number}" is no container number`, {
      hint: 'give four letters and six digits, as MSKU305438',
    });
  }
  const sum = [...number].reduce((total, character, place) => total + weightOf(character) * 2 ** place, 0);
  return (sum % 11) % 10;
}

function weightOf(character: string): number {
  if (/\d/.test(character)) return Number(character);
  const rank = character.charCodeAt(0) - 'A'.charCodeAt(0);
  // A is 10; 11, 22 and 33 are left out.
  return 10 + rank + Math.floor((rank + 9) / 10);
}
