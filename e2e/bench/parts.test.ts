import { expect, test } from 'vitest';
import { inParts, once } from './parts.ts';
import { requireParts } from './registry.ts';
import { judge, tableOf } from './result.ts';

const one = { name: 'one', value: 1, unit: 's' };
const two = { name: 'two', value: 2, unit: 's' };

test('a part that fails is named, and costs its own measures alone', async () => {
  const lines: string[] = [];
  const parts = {
    first: async () => [one],
    broken: async () => {
      throw new RangeError('no room');
    },
    last: async () => [two],
  };
  const { measures, failures } = await inParts(parts, (line) => lines.push(line));
  expect(measures).toEqual([
    { ...one, part: 'first' },
    { ...two, part: 'last' },
  ]);
  expect(failures).toEqual([{ part: 'broken', message: 'no room' }]);
  expect(lines).toEqual(['-- first', '-- broken', 'broken failed: no room', '-- last']);
  const result = judge('some', measures, failures);
  expect(result.failures).toEqual(failures);
  expect(tableOf(result)).toMatch(/^broken +FAILED: no room$/m);
});

test('only the parts that are asked for run, in the order of the bench', async () => {
  const ran: string[] = [];
  const part = (name: string) => async () => {
    ran.push(name);
    return [{ ...one, name }];
  };
  const { measures } = await inParts({ a: part('a'), b: part('b'), c: part('c') }, () => undefined, ['c', 'a']);
  expect(ran).toEqual(['a', 'c']);
  expect(measures.map(({ name }) => name)).toEqual(['a', 'c']);
});

test('work that two parts need is done once, and its failure reaches both', async () => {
  let runs = 0;
  const work = once(async () => {
    runs += 1;
    throw new RangeError('broken');
  });
  await expect(work()).rejects.toThrow('broken');
  await expect(work()).rejects.toThrow('broken');
  expect(runs).toBe(1);
});

test('a part that a bench does not have is refused, with those that it has', () => {
  requireParts('browser', ['parity', 'memory']);
  expect(() => requireParts('browser', ['pace'])).toThrow(expect.objectContaining({ code: 'unknown-part', field: '--part' }));
  expect(() => requireParts('delta', ['parity'])).toThrow(expect.objectContaining({ code: 'unknown-part' }));
});
