import type { TapValueView } from '@starling/shared';
import { expect, test } from 'vitest';
import { matchPicture } from './match-picture.ts';

const counts = { seen: 0, skipped: 0, rate: 0, busy: 0, link: 0 };
const rest = { counts, lost: 0, behind: 0, atMs: 0 };
const item = (sequence: number, stream = 's') => ({ stream, sequence, timeMs: 0, traceId: null });
const thumbnail = { format: 'png' as const, width: 1, height: 1, data: '' };
const boxes = (sequence: number): TapValueView => ({
  ...rest,
  sequence,
  edge: 'a.boxes',
  item: item(sequence),
  value: { kind: 'json', value: sequence },
});
const picture = (sequence: number, stream?: string): TapValueView => ({
  ...{ ...rest, sequence, edge: 'b.image', item: item(sequence, stream) },
  value: { kind: 'image', width: sequence, height: 1, thumbnail },
});

test('what was found is shown over the picture of its own item', () => {
  expect(matchPicture([boxes(1), boxes(2)], [picture(1), picture(2), picture(3)])).toMatchObject({
    value: { sequence: 2 },
    picture: { width: 2 },
  });
});

test('one whose picture was left out lets the one before stand for a while', () => {
  expect(matchPicture([boxes(1), boxes(2)], [picture(1), picture(3)])).toMatchObject({ value: { sequence: 1 }, picture: { width: 1 } });
  const late = matchPicture([1, 2, 3, 4, 5].map(boxes), [picture(1)]);
  expect(late).toEqual({ value: boxes(5), picture: undefined });
});

test('the same number in another stream is another item', () => {
  expect(matchPicture([boxes(1)], [picture(1, 'other')])).toEqual({ value: boxes(1), picture: undefined });
  expect(matchPicture([], [picture(1)])).toBeUndefined();
});
