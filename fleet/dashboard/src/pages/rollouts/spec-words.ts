import type { RolloutSpec } from '@starling/shared';
import { bytesOf, counted, inWords } from '../../format/quantity.ts';

/** What bounds how fast devices are started. */
export function limitWords({ maxInFlight, rate, bandwidthBytesPerMinute, spread }: RolloutSpec): string {
  return [
    `${counted(maxInFlight)} devices`,
    ...(rate === undefined
      ? []
      : [`${counted(rate.perMinute)} started a minute${rate.growth === undefined ? '' : ', growing with success'}`]),
    ...(bandwidthBytesPerMinute === undefined ? [] : [`${inWords(bytesOf(bandwidthBytesPerMinute))} a minute`]),
    ...(spread === undefined ? [] : [`${counted(spread.maxInFlight)} of one ${spread.label}`]),
  ].join(', ');
}

export function windowWords({ windows }: RolloutSpec): string | undefined {
  if (windows === undefined) return undefined;
  const open = windows.open.map(({ cron, for: length }) => `${cron} for ${length}`).join('; ');
  return `${open}, in the local time of each device (${windows.timeZone} where it names none)`;
}
