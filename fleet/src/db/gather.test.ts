import { expect, test } from 'vitest';
import { createGatherer } from './gather.ts';

/** A database that answers when it is told to: each key with its item. */
function slowDatabase() {
  const statements: { of: Record<string, number>; answer: PromiseWithResolvers<void> }[] = [];
  const gatherer = createGatherer(async (items: ReadonlyMap<string, number>) => {
    const answer = Promise.withResolvers<void>();
    statements.push({ of: Object.fromEntries(items), answer });
    await answer.promise;
    return items;
  });
  return { statements, gatherer };
}

test('what comes alone is done at once; what comes meanwhile goes together, of each key the newest', async () => {
  const { statements, gatherer } = slowDatabase();
  const first = gatherer.add('a', 1);
  const others = [gatherer.add('a', 2), gatherer.add('b', 3), gatherer.add('a', 4)];
  expect(statements.map(({ of }) => of)).toEqual([{ a: 1 }]);
  statements[0]?.answer.resolve();
  expect(await first).toBe(1);
  await expect.poll(() => statements.map(({ of }) => of)).toEqual([{ a: 1 }, { a: 4, b: 3 }]);
  statements[1]?.answer.resolve();
  expect(await Promise.all(others)).toEqual([4, 3, 4]);
  const later = gatherer.add('c', 5);
  expect(statements).toHaveLength(3);
  statements[2]?.answer.resolve();
  expect(await later).toBe(5);
});

test('a herd is cut into statements of a bounded size, and a key is in one of them alone', async () => {
  const { statements, gatherer } = slowDatabase();
  const all = [gatherer.add('first', 0), ...Array.from({ length: 1200 }, (_, at) => gatherer.add(`${at}`, at)), gatherer.add('7', 8)];
  for (let done = 0; done < 4; done += 1) {
    await expect.poll(() => statements.length).toBe(done + 1);
    statements[done]?.answer.resolve();
  }
  const answers = await Promise.all(all);
  expect(statements.map(({ of }) => Object.keys(of).length)).toEqual([1, 500, 500, 200]);
  expect([answers[8], answers.at(-1), answers[1200]]).toEqual([8, 8, 1199]);
});

test('a statement that fails is told to those that waited for it, and the next goes on', async () => {
  const { statements, gatherer } = slowDatabase();
  const first = gatherer.add('a', 1);
  const second = gatherer.add('b', 2);
  statements[0]?.answer.reject(new Error('the database is away'));
  await expect(first).rejects.toThrow('the database is away');
  await expect.poll(() => statements.length).toBe(2);
  statements[1]?.answer.resolve();
  expect(await second).toBe(2);
});
