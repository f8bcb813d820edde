import { type ReportedState, reportedStateSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { createReportGatherer, type Report } from './gather-reports.ts';

const idle: ReportedState = reportedStateSchema.parse({
  ...{ schemaVersion: 1, epoch: 1, generation: 1, phase: 'idle', steps: [], running: null, previous: null, error: null, atMs: 0 },
});
const at = (atMs: number): Report => ({ reported: idle, atMs });

/** A database that answers when it is told to. */
function slowDatabase() {
  const writes: { of: Record<string, number>; answer: PromiseWithResolvers<void> }[] = [];
  const gatherer = createReportGatherer((reports) => {
    const answer = Promise.withResolvers<void>();
    writes.push({ of: Object.fromEntries([...reports].map(([device, { atMs }]) => [device, atMs])), answer });
    return answer.promise;
  });
  return { writes, gatherer };
}

test('a report alone is written at once; those that come meanwhile go together, of each device the newest', async () => {
  const { writes, gatherer } = slowDatabase();
  const first = gatherer.add('a', at(1));
  const others = [gatherer.add('a', at(2)), gatherer.add('b', at(3)), gatherer.add('a', at(4))];
  expect(writes.map(({ of }) => of)).toEqual([{ a: 1 }]);
  writes[0]?.answer.resolve();
  await first;
  await expect.poll(() => writes.map(({ of }) => of)).toEqual([{ a: 1 }, { a: 4, b: 3 }]);
  writes[1]?.answer.resolve();
  await Promise.all(others);
  const later = gatherer.add('c', at(5));
  expect(writes).toHaveLength(3);
  writes[2]?.answer.resolve();
  await later;
});

test('a write that fails is told to those that waited for it, and the next goes on', async () => {
  const { writes, gatherer } = slowDatabase();
  const first = gatherer.add('a', at(1));
  const second = gatherer.add('b', at(2));
  writes[0]?.answer.reject(new Error('the database is away'));
  await expect(first).rejects.toThrow('the database is away');
  await expect.poll(() => writes.length).toBe(2);
  writes[1]?.answer.resolve();
  await second;
});
