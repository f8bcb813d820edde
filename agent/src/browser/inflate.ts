import { StarlingError } from '@starling/shared';
import type { Inflate } from '../core/ports/inflate.ts';

export const inflate: Inflate = async (bytes, maximumBytes) => {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const whole = new Uint8Array(maximumBytes);
  let length = 0;
  const reader = stream.getReader();
  for (let { done, value } = await reader.read(); !done && value !== undefined; { done, value } = await reader.read()) {
    // Attack: some bytes that unpack to gigabytes.
    if (length + value.length > maximumBytes) {
      await reader.cancel();
      throw new StarlingError('too-large', `it unpacks to more than ${maximumBytes} bytes`);
    }
    whole.set(value, length);
    length += value.length;
  }
  return whole.subarray(0, length);
};
