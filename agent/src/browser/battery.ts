import { type Battery, batterySchema } from '@starling/shared';

/** Pages alone are told of the battery, workers take the measures: one channel of this origin between them. */
export const BATTERY_CHANNEL = 'starling-battery';
export const BATTERY_QUESTION = 'how is the battery';

/** Listens to what the page says of the battery. @returns what was said last; undefined where this browser says nothing */
export function followBattery(): () => Battery | undefined {
  const channel = new BroadcastChannel(BATTERY_CHANNEL);
  let last: Battery | undefined;
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    last = batterySchema.safeParse(data).data ?? last;
  });
  channel.postMessage(BATTERY_QUESTION);
  return () => last;
}
