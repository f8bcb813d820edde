import { describe, expect, test } from 'vitest';
import { createShortMemory } from './short-memory.ts';

describe('a short memory', () => {
  let nowMs = 0;
  let lookUps = 0;
  const clock = { nowMs: () => nowMs };
  const counting = () =>
    createShortMemory(async (key) => {
      lookUps += 1;
      return `${key} ${lookUps}`;
    }, clock);

  test('looks up once in a second for each key, and at once after a change', async () => {
    [nowMs, lookUps] = [0, 0];
    const memory = counting();
    expect([await memory.get('a'), await memory.get('a'), await memory.get('b')]).toEqual(['a 1', 'a 1', 'b 2']);
    nowMs = 999;
    expect(await memory.get('a')).toBe('a 1');
    nowMs = 1_000;
    expect(await memory.get('a')).toBe('a 3');
    memory.forget('a');
    expect(await memory.get('a')).toBe('a 4');
    expect(await memory.fresh('a')).toBe('a 5');
    nowMs = -100_000;
    expect(await memory.get('a')).toBe('a 6');
  });

  test('gives one look-up to all who ask meanwhile, but none that began before a change', async () => {
    const answers: ((value: string) => void)[] = [];
    const memory = createShortMemory(() => new Promise<string>((resolve) => answers.push(resolve)), clock);
    const before = [memory.get('a'), memory.get('a')];
    memory.forget('a');
    const after = memory.get('a');
    answers[1]?.('new');
    answers[0]?.('old');
    expect(await Promise.all([...before, after, memory.get('a')])).toEqual(['old', 'old', 'new', 'new']);
  });

  test('remembers no failure', async () => {
    let fails = true;
    const memory = createShortMemory(async () => (fails ? Promise.reject(new Error('away')) : 'here'), clock);
    await expect(memory.get('a')).rejects.toThrow('away');
    fails = false;
    expect(await memory.get('a')).toBe('here');
  });
});
