import type { QueuePolicy } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { createWorkQueue } from './queue.ts';

/** Pushes `count` items while one runs, then lets all end. @returns what became of each, in the order of pushing */
async function outcomes(policy: QueuePolicy, length: number, count: number) {
  const queue = createWorkQueue({ policy, length, concurrency: 1 });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const order: number[] = [];
  const run = async (item: number): Promise<number> => {
    await gate;
    order.push(item);
    return item;
  };
  const ends = Array.from({ length: count }, (_, item) =>
    queue
      .push(() => run(item))
      .then(
        () => 'done',
        (error: { code: string }) => error.code,
      ),
  );
  const waiting = queue.waiting;
  open();
  const found = await Promise.all(ends);
  await queue.idle();
  return { found, order, waiting, dropped: queue.takeDropped(), droppedAfter: queue.takeDropped() };
}

describe('the queue in front of a pipeline', () => {
  test('that blocks turns away who comes too many, and keeps the order of the others', async () => {
    const { found, order, dropped, droppedAfter, waiting } = await outcomes('block', 2, 5);
    expect(found).toEqual(['done', 'done', 'done', 'overloaded', 'overloaded']);
    expect([order, waiting, dropped, droppedAfter]).toEqual([[0, 1, 2], 2, 2, 0]);
  });

  test('that drops the oldest keeps the newest that fit', async () => {
    const { found, order, dropped } = await outcomes('drop-oldest', 2, 5);
    expect(found).toEqual(['done', 'dropped', 'dropped', 'done', 'done']);
    expect([order, dropped]).toEqual([[0, 3, 4], 2]);
  });

  test('that drops the newest keeps the oldest that fit, and never more', async () => {
    const { found, order, dropped, waiting } = await outcomes('drop-newest', 2, 50);
    expect(found).toEqual(['done', 'done', 'done', ...Array(47).fill('dropped')]);
    expect([order, waiting, dropped]).toEqual([[0, 1, 2], 2, 47]);
  });

  test('for live pictures keeps the latest alone', async () => {
    const { found, order, dropped } = await outcomes('latest', 8, 4);
    expect(found).toEqual(['done', 'dropped', 'dropped', 'done']);
    expect([order, dropped]).toEqual([[0, 3], 2]);
  });

  test('goes on after an item that failed', async () => {
    const queue = createWorkQueue({ policy: 'block', length: 1, concurrency: 1 });
    await expect(queue.push(() => Promise.reject(new Error('bad item')))).rejects.toThrow('bad item');
    expect(await queue.push(async () => 'good item')).toBe('good item');
    await queue.idle();
    expect(queue.running).toBe(0);
  });
});
