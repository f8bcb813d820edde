import { expect, test } from 'vitest';
import type { EngineSession } from '../ports/engine.ts';
import { createResident } from './resident.ts';

interface Life {
  session: EngineSession;
  isClosed: boolean;
  finish(): void;
}

function createLives(refusals: number) {
  const lives: Life[] = [];
  let left = refusals;
  const open = (): EngineSession => {
    const finishing: (() => void)[] = [];
    const life: Life = {
      isClosed: false,
      finish: () => finishing.shift()?.(),
      session: {
        ...{ provider: 'cpu', inputNames: ['x'], outputNames: ['y'] },
        run: () => new Promise((resolve) => finishing.push(() => resolve({}))),
        async close() {
          life.isClosed = true;
        },
      },
    };
    lives.push(life);
    return life.session;
  };
  const resident = createResident(open(), async () => {
    left -= 1;
    if (left >= 0) throw new TypeError('no room');
    return open();
  });
  return { lives, resident };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test('is freed when the runs under way have ended, and what comes meanwhile gets a new session after that', async () => {
  const { lives, resident } = createLives(0);
  const first = resident.session.run({});
  await settle();
  const freed = resident.free();
  const second = resident.session.run({});
  await settle();
  expect(lives.map(({ isClosed }) => isClosed)).toEqual([false]);
  lives[0]?.finish();
  await first;
  expect(await freed).toBe(true);
  await settle();
  expect(lives.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  lives[1]?.finish();
  await second;
  expect(resident.isOpen()).toBe(true);
});

test('says what was in memory, and opens once for many who need it', async () => {
  const { lives, resident } = createLives(0);
  expect([await resident.free(), await resident.free(), resident.isOpen()]).toEqual([true, false, false]);
  await Promise.all([resident.open(), resident.open(), resident.open()]);
  expect(lives).toHaveLength(2);
});

test('tries again after it did not open', async () => {
  const { lives, resident } = createLives(1);
  await resident.free();
  await expect(resident.session.run({})).rejects.toThrow('no room');
  expect(resident.isOpen()).toBe(false);
  await resident.open();
  expect(lives).toHaveLength(2);
});

test('that is closed for good opens no more', async () => {
  const { lives, resident } = createLives(0);
  await resident.session.close();
  await expect(resident.session.run({})).rejects.toMatchObject({ code: 'not-loaded' });
  expect(lives).toHaveLength(1);
});
