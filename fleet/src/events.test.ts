import type { FleetEvent } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHANNEL_BYTES_MAXIMUM } from './db/index.ts';
import { noticesOf } from './events.ts';

test('notices hold every event in order, none too long for Postgres; a detail that fits nowhere is left out', () => {
  const event: fc.Arbitrary<FleetEvent> = fc.record({
    type: fc.constantFrom('device' as const, 'command' as const),
    id: fc.string({ maxLength: 40 }),
    atMs: fc.nat(),
    detail: fc.record({ text: fc.string({ unit: 'binary', maxLength: 12_000 }) }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const texts = noticesOf('me', events);
      for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(CHANNEL_BYTES_MAXIMUM);
      const told = texts.flatMap((text) => (JSON.parse(text) as { events: FleetEvent[] }).events);
      expect(told.map(({ id, atMs }) => [id, atMs])).toEqual(events.map(({ id, atMs }) => [id, atMs]));
      for (const [index, { detail }] of told.entries()) {
        const whole = JSON.stringify(events[index]);
        if (Buffer.byteLength(whole) < CHANNEL_BYTES_MAXIMUM / 2)
          expect(JSON.stringify(detail)).toBe(JSON.stringify(events[index]?.detail));
      }
    }),
    { numRuns: 50 },
  );
});
