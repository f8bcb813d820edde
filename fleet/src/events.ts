import { type FleetEvent, fleetEventSchema, jsonDecode, messageOf } from '@starling/shared';
import { z } from 'zod';
import { CHANNEL_BYTES_MAXIMUM, type Channel } from './db/index.ts';
import type { EventBus, Log } from './ports.ts';

/** The bus of one process. What others have said comes in by `deliver`. */
export interface LocalEvents extends EventBus {
  deliver(event: FleetEvent): void;
}

export function createEventBus(): LocalEvents {
  const listeners = new Set<(event: FleetEvent, isElsewhere: boolean) => void>();
  const spread = (event: FleetEvent, isElsewhere: boolean): void => {
    for (const listener of listeners) listener(event, isElsewhere);
  };
  return {
    publish: (event) => spread(event, false),
    deliver: (event) => spread(event, true),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Events are gathered for this long: one notice holds a few dozen. */
const GATHER_MS = 60;
/** Of telemetry that arrived: it says only that there is something new, and whoever looks would see it anyway. */
const TELEMETRY_PER_NOTICE = 20;

const noticeSchema = z.object({ from: z.string(), events: z.array(fleetEventSchema) });

interface SharingPorts {
  events: LocalEvents;
  channel: Channel;
  /** This process. */
  id: string;
  log: Log;
}

/** Tells the other processes of a fleet what happens here, and this one what happens there. @returns a function that ends it */
export async function shareEvents({ events, channel, id, log }: SharingPorts): Promise<() => Promise<void>> {
  let waiting: FleetEvent[] = [];
  let telemetry = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();
  const flush = (): void => {
    timer = undefined;
    const all = waiting;
    waiting = [];
    telemetry = new Set();
    sending = sending.then(async () => {
      for (const text of noticesOf(id, all)) await channel.tell(text);
    });
    sending = sending.catch((error: unknown) => log.warn({ error: messageOf(error) }, 'other processes were not told of events'));
  };
  const stop = events.subscribe((event, isElsewhere) => {
    if (isElsewhere) return;
    if (event.type === 'telemetry') {
      if (telemetry.size >= TELEMETRY_PER_NOTICE || telemetry.has(event.id)) return;
      telemetry.add(event.id);
    }
    waiting.push(event);
    timer ??= setTimeout(flush, GATHER_MS);
  });
  await channel.hear(
    (text) => {
      try {
        const notice = jsonDecode(Buffer.from(text), noticeSchema);
        if (notice.from !== id) for (const event of notice.events) events.deliver(event);
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'a notice of another process is not understood');
      }
    },
    () => log.info({}, 'notices of other processes arrive again'),
  );
  return async () => {
    stop();
    clearTimeout(timer);
    await sending;
  };
}

/** As few texts as hold all events. One that is too long for any loses its detail: what it is about can be fetched. */
export function noticesOf(from: string, all: readonly FleetEvent[]): string[] {
  const texts: string[] = [];
  const frame = JSON.stringify({ from, events: [] });
  let parts: string[] = [];
  let bytes = Buffer.byteLength(frame);
  const end = (): void => {
    if (parts.length > 0) texts.push(frame.replace('[]', () => `[${parts.join(',')}]`));
    parts = [];
    bytes = Buffer.byteLength(frame);
  };
  for (const event of all) {
    const whole = JSON.stringify(event);
    const text =
      Buffer.byteLength(whole) + Buffer.byteLength(frame) <= CHANNEL_BYTES_MAXIMUM ? whole : JSON.stringify({ ...event, detail: {} });
    if (bytes + Buffer.byteLength(text) + 1 > CHANNEL_BYTES_MAXIMUM) end();
    parts.push(text);
    bytes += Buffer.byteLength(text) + 1;
  }
  end();
  return texts;
}
