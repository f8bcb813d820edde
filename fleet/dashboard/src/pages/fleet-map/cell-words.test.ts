import { describe, expect, test } from 'vitest';
import { devicesBehind, type Figures, wordsOf } from './cell-words.ts';

const figures: Figures = {
  ...{ devices: 10_000, connected: 9_990, closed: 0, failing: 0, onLeading: 1, items: 10, failures: 0, latencyMsMean: 20 },
};

describe('a cell of the map', () => {
  test('is never rounded to all, or to none, where one is different', () => {
    expect(wordsOf('connected', { ...figures, connected: 9_999 }, null).text).toBe('99.9 %');
    expect(wordsOf('connected', { ...figures, connected: 10_000 }, null)).toMatchObject({ text: '100 %', heat: 0 });
    expect(wordsOf('release', figures, null)).toMatchObject({ text: '0.1 %', heat: 1, sentence: '1 of 10,000 on it' });
    expect(wordsOf('release', { ...figures, onLeading: 0 }, null).text).toBe('0 %');
  });

  test('does not count pages that were closed as away', () => {
    expect(wordsOf('connected', { ...figures, devices: 4, connected: 1, closed: 3 }, null)).toMatchObject({ text: '100 %', heat: 0 });
    expect(wordsOf('connected', { ...figures, devices: 3, connected: 0, closed: 3 }, null)).toMatchObject({ text: '–', heat: 0 });
  });

  test('is hot by its own scale: a tenth that fails, half that is away, three times as slow as the fleet', () => {
    expect(wordsOf('failing', { ...figures, devices: 100, failing: 5 }, null).heat).toBeCloseTo(0.5);
    expect(wordsOf('connected', { ...figures, devices: 100, connected: 50 }, null).heat).toBe(1);
    expect(wordsOf('latency', figures, 10).heat).toBeCloseTo(0.5);
    expect(wordsOf('latency', figures, 40).heat).toBe(0);
    expect(wordsOf('latency', { ...figures, latencyMsMean: null }, 40)).toMatchObject({ text: '–', heat: 0 });
  });

  test('leads to the devices that are the trouble, whatever a site is called', () => {
    expect(devicesBehind('failing', 'a "b"', 'pi', null)).toEqual({ select: 'site == "a \\"b\\""', profile: 'pi', status: 'failed' });
    expect(devicesBehind('release', '', undefined, 'spring')).toEqual({ select: 'site == "" && release != "spring"' });
    expect(devicesBehind('latency', 'x', undefined, null)).toEqual({ select: 'site == "x"' });
  });
});
