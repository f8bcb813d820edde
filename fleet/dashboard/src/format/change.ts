import type { Interval } from '@starling/shared';

/** `-0.30 points`, with a minus sign that is one; `no change` where it rounds to nothing. */
export function changeOf(lossPoints: number): string {
  const rounded = signed(-lossPoints);
  return rounded === '0' ? 'no change' : `${rounded} ${Math.abs(lossPoints).toFixed(2) === '1.00' ? 'point' : 'points'}`;
}

/** The 95 % interval of a change, from the worse end to the better. */
export function changeRange({ low, high }: Interval): string {
  return `${signed(-high)} to ${signed(-low)}`;
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(2);
  if (Number(text) === 0) return '0';
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** `38.2 dB`; outputs that are equal to the last bit have no noise to compare with. */
export function decibels(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return value >= 200 ? 'equal' : `${value.toFixed(1)} dB`;
}
