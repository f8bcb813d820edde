import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_MS, FRAME_MS, startOperator } from './operator-harness.ts';

/** A thing of 20 x 40 pixels whose lower middle is at a point. */
const at = (x: number, y: number, track = 1, more: Partial<Detection> = {}): Detection => ({
  box: [x - 10, y - 40, x + 10, y],
  score: 0.9,
  class: 0,
  track,
  ...more,
});
/** Upwards on the screen, so that `in` is to the right, at x = 100. */
const line = { name: 'door', from: [100, 200], to: [100, 0] };
const start = (params: object = {}) => startOperator('count.line', { lines: [line], ...params });
type Counts = Record<string, { in: number; out: number; classes: Record<string, { in: number; out: number }> }>;

async function walk(xs: readonly number[], params: object = {}, y = 100) {
  const node = start(params);
  let counts: Counts = {};
  const events: unknown[] = [];
  for (const x of xs) {
    const given = await node.run({ detections: [at(x, y)] });
    counts = given['counts'] as Counts;
    if ('events' in given) events.push(...(given['events'] as unknown[]));
  }
  return { door: counts['door'], events };
}

describe('count.line', () => {
  it('counts what crosses, with its direction, and says where and when', async () => {
    const { door, events } = await walk([60, 80, 120, 140]);
    expect(door).toEqual({ in: 1, out: 0, classes: { 0: { in: 1, out: 0 } } });
    expect(events).toEqual([{ line: 'door', direction: 'in', point: [100, 100], track: 1, class: 0, timeMs: FIRST_MS + 2 * FRAME_MS }]);
  });

  it('counts the way back, and by label', async () => {
    const node = start();
    for (const x of [150, 50, 150, 50]) await node.run({ detections: [at(x, 100, 1, { label: 'person' })] });
    const { counts } = await node.run({ detections: [at(50, 100, 2, { class: 1 }), at(20, 20, 1, { label: 'person' })] });
    expect(counts).toEqual({ door: { in: 1, out: 2, classes: { person: { in: 1, out: 2 } } } });
  });

  it('has no events where nothing happens', async () => {
    expect(Object.keys(await start().run({ detections: [] }))).toEqual(['counts']);
  });

  it('counts what trembles on the line once', async () => {
    // A tenth of the shorter side, 2 pixels, is too little to have crossed.
    const { door } = await walk([90, 99, 101, 98.5, 101.9, 99, 110, 101, 98.1, 101, 112]);
    expect(door).toMatchObject({ in: 1, out: 0 });
    const raw = await walk([90, 99, 101, 98.5, 101.9, 99, 110], { margin: 0 });
    expect(raw.door).toMatchObject({ in: 3, out: 2 });
  });

  it('does not count what goes past its ends', async () => {
    expect((await walk([80, 120], {}, 201)).door).toMatchObject({ in: 0, out: 0 });
    expect((await walk([80, 120], {}, 199)).door).toMatchObject({ in: 1, out: 0 });
  });

  it('counts what was hidden on the line', async () => {
    const node = start();
    await node.run({ detections: [at(80, 100)] });
    await node.run({ detections: [] }, { timeMs: FIRST_MS + 900 });
    expect(await node.run({ detections: [at(140, 100)] })).toMatchObject({ events: [{ direction: 'in', point: [100, 100] }] });
  });

  it('counts several lines, and another point of the box', async () => {
    const lines = [line, { name: 'roof', from: [0, 70], to: [200, 70] }];
    const node = startOperator('count.line', { lines, anchor: 'top' });
    await node.run({ detections: [at(80, 100)] });
    // The upper side goes from 60 to 80: down, which is to the right of a line that leads to the right.
    expect((await node.run({ detections: [at(80, 120)] }))['counts']).toMatchObject({ door: { in: 0, out: 0 }, roof: { in: 1, out: 0 } });
  });

  it('takes lines in shares of the picture', async () => {
    const lines = [{ name: 'door', from: [0.5, 1], to: [0.5, 0] }];
    const node = startOperator('count.line', { lines, unit: 'share' });
    const source = { width: 200, height: 200, data: new Uint8Array(120_000) };
    await node.run({ detections: [at(80, 100)], source });
    expect(await node.run({ detections: [at(120, 100)], source })).toMatchObject({ events: [{ direction: 'in', point: [100, 100] }] });
    await expect(node.run({ detections: [] })).rejects.toMatchObject({ code: 'wrong-value', field: 'source' });
  });

  it('asks for tracks, one for each thing', async () => {
    const { track: _, ...untracked } = at(0, 0);
    await expect(start().run({ detections: [untracked] })).rejects.toMatchObject({ code: 'no-track', field: 'detections.0.track' });
    await expect(start().run({ detections: [at(0, 0), at(9, 9)] })).rejects.toMatchObject({
      code: 'wrong-value',
      field: 'detections.1.track',
    });
    await expect(start().run({ detections: [at(Number.NaN, 0)] })).rejects.toMatchObject({
      code: 'wrong-value',
      field: 'detections.0.box',
    });
  });

  it('has counted as many ways in as out, or one apart, wherever a thing went', async () => {
    const places = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: -50, max: 250 })), { maxLength: 60 });
    const endless = { name: 'door', from: [100, 1_000_000], to: [100, -1_000_000] };
    await fc.assert(
      fc.asyncProperty(places, async (path) => {
        const node = start({ lines: [endless] });
        let counts: Counts = {};
        for (const [x, y] of path) counts = (await node.run({ detections: [at(x, y)] }))['counts'] as Counts;
        const balance = (counts['door']?.in ?? 0) - (counts['door']?.out ?? 0);
        expect(Math.abs(balance)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('forgets tracks beyond a number, the one unseen for longest first', async () => {
    const node = start();
    await node.run({ detections: [at(80, 100, 1)] });
    const others = (from: number): Detection[] => Array.from({ length: 500 }, (_, index) => at(80, 100, from + index));
    for (let group = 0; group < 9; group += 1) await node.run({ detections: others(2 + 500 * group) });
    // It was forgotten, so nobody knows that it came from the other side.
    expect(await node.run({ detections: [at(120, 100, 1)] })).not.toHaveProperty('events');
    expect(await node.run({ detections: [at(120, 100, 4501)] })).toHaveProperty('events');
  });
});
