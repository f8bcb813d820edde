import { StarlingError } from '@starling/shared';

const IDEAL = { width: { ideal: 1280 }, height: { ideal: 720 } };

/** Opens a camera; on a phone the one that looks away from its owner. @throws StarlingError `camera-refused`, `no-camera` */
export async function openCamera(deviceId: string): Promise<MediaStream> {
  const wanted = deviceId === '' ? { facingMode: 'environment' } : { deviceId: { exact: deviceId } };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...IDEAL, ...wanted } });
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    if (name === 'NotAllowedError') {
      const hint = 'allow the camera for this page in the settings of the browser';
      throw new StarlingError('camera-refused', 'this page may not use the camera', { hint, cause });
    }
    if (name === 'NotReadableError') {
      throw new StarlingError('camera-busy', 'the camera gives no picture', { hint: 'close what else uses it', cause });
    }
    throw new StarlingError('no-camera', 'there is no such camera here', { hint: 'plug one in, or open a picture instead', cause });
  }
}
