import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_MS, startOperator } from './operator-harness.ts';

/** A thing of 20 x 20 pixels whose centre is at a point. */
const at = (x: number, y: number, track = 1, more: Partial<Detection> = {}): Detection => ({
  box: [x - 10, y - 10, x + 10, y + 10],
  score: 0.9,
  class: 0,
  label: 'car',
  track,
  ...more,
});
const bay = {
  name: 'bay',
  polygon: [
    [100, 100],
    [200, 100],
    [200, 200],
    [100, 200],
  ],
};
const start = (params: object = {}) => startOperator('count.zone', { zones: [bay], anchor: 'centre', ...params });
type Counts = Record<string, { occupancy: number; entries: number; exits: number }>;

describe('count.zone', () => {
  it('says who came, who left, and how long they stayed', async () => {
    const node = start();
    expect(await node.run({ detections: [at(50, 150)] })).toEqual({
      counts: { bay: { occupancy: 0, entries: 0, exits: 0, classes: {}, meanDwellMs: null, longestDwellMs: 0 } },
    });
    const came = await node.run({ detections: [at(150, 150)] }, { timeMs: FIRST_MS + 1000 });
    expect(came['events']).toEqual([{ zone: 'bay', event: 'entry', track: 1, class: 0, label: 'car', timeMs: FIRST_MS + 1000 }]);
    const stayed = await node.run({ detections: [at(160, 150)] }, { timeMs: FIRST_MS + 2500 });
    expect(stayed).toEqual({
      counts: {
        bay: {
          ...{ occupancy: 1, entries: 1, exits: 0, meanDwellMs: null, longestDwellMs: 1500 },
          classes: { car: { occupancy: 1, entries: 1, exits: 0 } },
        },
      },
    });
    const left = await node.run({ detections: [at(250, 150)] }, { timeMs: FIRST_MS + 4000 });
    expect(left).toMatchObject({
      counts: { bay: { occupancy: 0, entries: 1, exits: 1, meanDwellMs: 3000, longestDwellMs: 0 } },
      events: [{ event: 'exit', timeMs: FIRST_MS + 4000, dwellMs: 3000 }],
    });
  });

  it('counts what trembles on the edge once', async () => {
    const node = start();
    // The margin is a tenth of 20 pixels.
    for (const x of [95, 101, 99, 100.5, 98.1, 101]) await node.run({ detections: [at(x, 150)] });
    expect(await node.run({ detections: [at(97, 150)] })).toMatchObject({ counts: { bay: { occupancy: 0, entries: 1, exits: 1 } } });
  });

  it('lets go of what vanished, at the time when it was last seen', async () => {
    const node = start({ lostMs: 1000 });
    await node.run({ detections: [at(150, 150)] }, { timeMs: FIRST_MS });
    await node.run({ detections: [at(150, 150)] }, { timeMs: FIRST_MS + 600 });
    expect(await node.run({ detections: [] }, { timeMs: FIRST_MS + 1600 })).toMatchObject({ counts: { bay: { occupancy: 1 } } });
    expect(await node.run({ detections: [] }, { timeMs: FIRST_MS + 1601 })).toMatchObject({
      counts: { bay: { occupancy: 0, exits: 1, meanDwellMs: 600 } },
      events: [{ event: 'exit', track: 1, timeMs: FIRST_MS + 600, dwellMs: 600 }],
    });
  });

  it('tells once of what stays for too long', async () => {
    const node = start({ dwellMs: 500 });
    const told: unknown[] = [];
    for (const [x, passedMs] of [
      [150, 0],
      [150, 400],
      [150, 600],
      [150, 900],
      [50, 1000],
      [150, 1100],
      [150, 1700],
    ] as const) {
      const { events = [] } = await node.run({ detections: [at(x, 150)] }, { timeMs: FIRST_MS + passedMs });
      told.push(...(events as { event: string; dwellMs?: number }[]).map(({ event, dwellMs }) => [event, dwellMs]));
    }
    expect(told).toEqual([
      ['entry', undefined],
      ['dwell', 600],
      ['exit', 1000],
      ['entry', undefined],
      ['dwell', 600],
    ]);
  });

  it('takes zones that are not convex, that overlap, and that are shares of the picture', async () => {
    const zones = [
      // An L: the upper right quarter is missing.
      {
        name: 'yard',
        polygon: [
          [0, 0],
          [0.5, 0],
          [0.5, 0.5],
          [1, 0.5],
          [1, 1],
          [0, 1],
        ],
      },
      {
        name: 'all',
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      },
    ];
    const source = { width: 400, height: 200, data: new Uint8Array(240_000) };
    const node = start({ zones, unit: 'share' });
    expect(await node.run({ detections: [at(300, 50, 1), at(300, 150, 2), at(100, 50, 3)], source })).toMatchObject({
      counts: { yard: { occupancy: 2 }, all: { occupancy: 3 } },
    });
  });

  it('never loses count: who is inside came and has not left', async () => {
    const things = fc.uniqueArray(fc.record({ track: fc.integer({ min: 1, max: 6 }), x: fc.integer({ min: 50, max: 250 }) }), {
      selector: ({ track }) => track,
    });
    const frames = fc.array(fc.tuple(things, fc.integer({ min: 0, max: 1500 })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(frames, async (items) => {
        const node = start({ lostMs: 1000 });
        let timeMs = FIRST_MS;
        let inside = 0;
        for (const [each, passedMs] of items) {
          timeMs += passedMs;
          const { counts, events = [] } = await node.run({ detections: each.map(({ track, x }) => at(x, 150, track)) }, { timeMs });
          for (const { event } of events as { event: string }[]) inside += event === 'entry' ? 1 : -1;
          const { occupancy, entries, exits } = (counts as Counts)['bay'] ?? expect.unreachable();
          expect([occupancy, entries - exits]).toEqual([inside, inside]);
          expect(occupancy).toBeLessThanOrEqual(6);
        }
      }),
    );
  });
});
