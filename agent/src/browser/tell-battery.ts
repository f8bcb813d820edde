import type { Battery } from '@starling/shared';
import { BATTERY_CHANNEL, BATTERY_QUESTION } from './battery.ts';

/** Chromium has it; Firefox and Safari took it out, or never had it. */
type BatteryNavigator = Navigator & { getBattery?(): Promise<Battery & EventTarget> };

/** Tells workers of this origin how the battery is, whenever that changes or they ask. @returns what ends it */
export async function tellBattery(): Promise<() => void> {
  const battery = await (navigator as BatteryNavigator).getBattery?.().catch(() => undefined);
  if (battery === undefined) return () => undefined;
  const channel = new BroadcastChannel(BATTERY_CHANNEL);
  const tell = (): void => channel.postMessage({ level: battery.level, charging: battery.charging } satisfies Battery);
  const changes = ['levelchange', 'chargingchange'];
  for (const change of changes) battery.addEventListener(change, tell);
  channel.addEventListener('message', ({ data }) => data === BATTERY_QUESTION && tell());
  tell();
  return () => {
    for (const change of changes) battery.removeEventListener(change, tell);
    channel.close();
  };
}
