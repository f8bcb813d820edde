import { StarlingError } from '@starling/shared';
import type { Devices } from '../devices/index.ts';

/** For what only makes sense now. @throws StarlingError `not-found`, `device-offline` */
export async function requireConnected(
  device: string,
  { devices, isConnected }: { devices: Pick<Devices, 'find'>; isConnected(device: string): boolean | undefined },
): Promise<void> {
  const { online } = await devices.find(device);
  if (isConnected(device) ?? online) return;
  throw new StarlingError('device-offline', 'the device is not connected', {
    field: 'id',
    hint: 'wait until it is online',
    retryable: true,
  });
}
