import type { Audio } from '@starling/shared';
import { expect, test } from 'vitest';
import { createSoundQueue } from './sound-queue.ts';

/** A chunk of 100 ms that can be told from others. */
const chunk = (mark: number): Audio => ({ sampleRateHz: 1000, channels: 2, samples: new Float32Array(200).fill(mark) });
const markOf = ({ samples }: Audio): number => samples[0] as number;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Takes chunks, each of which is done when it is let go. */
function slowTaker() {
  const taken: number[] = [];
  const open: (() => void)[] = [];
  return {
    taken,
    take: (audio: Audio) =>
      new Promise<void>((resolve) => {
        taken.push(markOf(audio));
        open.push(resolve);
      }),
    async finish(count: number) {
      for (let index = 0; index < count; index += 1) {
        open.shift()?.();
        await turn();
      }
    },
  };
}

test('gives one chunk after the other, and says while it works', async () => {
  const { taken, take, finish } = slowTaker();
  const busy: boolean[] = [];
  const queue = createSoundQueue({ take, onBusy: (isBusy) => busy.push(isBusy) });
  for (const mark of [1, 2, 3]) queue.push(chunk(mark));
  expect([taken, busy]).toEqual([[1], [true]]);
  let isIdle = false;
  const idle = queue.idle().then(() => {
    isIdle = true;
  });
  await finish(2);
  expect(isIdle).toBe(false);
  await finish(1);
  await idle;
  expect([taken, busy]).toEqual([
    [1, 2, 3],
    [true, false],
  ]);
  queue.push(chunk(4));
  expect(taken).toEqual([1, 2, 3, 4]);
});

test('leaves out the oldest of more than may wait, and says so once until it has caught up', async () => {
  const { taken, take, finish } = slowTaker();
  let late = 0;
  const queue = createSoundQueue({ take, waitingMsMaximum: 250, onLate: () => (late += 1) });
  for (let mark = 1; mark <= 6; mark += 1) queue.push(chunk(mark));
  await finish(3);
  expect([taken, late]).toEqual([[1, 5, 6], 1]);
  for (let mark = 7; mark <= 10; mark += 1) queue.push(chunk(mark));
  expect(late).toBe(2);
});

test('takes a chunk that is longer than may wait', async () => {
  const { taken, take } = slowTaker();
  createSoundQueue({ take, waitingMsMaximum: 50 }).push(chunk(1));
  expect(taken).toEqual([1]);
});

test('gives nothing more on once it is stopped', async () => {
  const { taken, take, finish } = slowTaker();
  const queue = createSoundQueue({ take });
  queue.push(chunk(1));
  queue.push(chunk(2));
  queue.stop();
  await finish(1);
  expect(taken).toEqual([1]);
});
