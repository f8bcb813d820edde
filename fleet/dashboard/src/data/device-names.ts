import { useQuery } from '@tanstack/react-query';
import { read } from './queries.ts';

const idPattern = /[a-z2-7]{26}/g;
const DEVICES_MAXIMUM = 200;
const HEAD_LENGTH = 10;

/** Puts names for device ids into a text; ids of devices beyond the first 200 are shortened. */
export function useDeviceNames(): (text: string) => string {
  const devices = useQuery(read('listDevices', { query: { limit: DEVICES_MAXIMUM } }));
  const names = new Map(devices.data?.items.map(({ id, name }) => [id, name]));
  return (text) => text.replace(idPattern, (id) => names.get(id) ?? `${id.slice(0, HEAD_LENGTH)}…`);
}
