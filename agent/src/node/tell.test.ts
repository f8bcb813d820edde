import { describe, expect, test } from 'vitest';
import { createEpisode, createFailingList } from './tell.ts';

/** A camera that is tried every three seconds. */
function tried() {
  let nowMs = 0;
  const told: [code: string, message: string, detail: unknown][] = [];
  const changes: number[] = [];
  const failing = createFailingList(() => changes.push(nowMs));
  const episode = createEpisode(
    {
      tell: (_level, code, message, detail) => told.push([code, message, detail]),
      ...{ failing, clock: { wallMs: () => 1_000_000 + nowMs, monotonicMs: () => nowMs } },
    },
    'source-recovered',
    { node: 'camera' },
  );
  const failFor = (lengthMs: number): void => {
    for (const endMs = nowMs + lengthMs; nowMs < endMs; nowMs += 3000) episode.failed('source-lost', 'camera: no route');
  };
  return { told, changes, failing, episode, failFor };
}

describe('what fails again and again', () => {
  test('is told when it begins, ever more rarely while it lasts, with since when and how often, and when it is over', () => {
    const { told, episode, failFor } = tried();
    failFor(3_600_000);
    expect(told).toHaveLength(6);
    expect(told[0]).toEqual(['source-lost', 'camera: no route', { node: 'camera' }]);
    expect(told[1]).toEqual([
      'source-lost',
      'camera: no route; so for 1 min, tried 21 times',
      { node: 'camera', sinceMs: 1_000_000, attempts: 21 },
    ]);
    expect(told[2]?.[1]).toContain('so for 3 min');
    episode.recovered();
    expect(told.at(-1)).toEqual([
      'source-recovered',
      'after source-lost, which lasted 60 min',
      { node: 'camera', sinceMs: 1_000_000, attempts: 1200 },
    ]);
    episode.recovered();
    expect(told).toHaveLength(7);
  });

  test('stands in the list with its last attempt until it is over, or nobody wants it any more', () => {
    const { changes, failing, episode, failFor } = tried();
    failFor(9000);
    expect(failing.list()).toEqual([{ node: 'camera', code: 'source-lost', message: 'camera: no route', sinceMs: 1_000_000, attempts: 3 }]);
    episode.recovered();
    expect(failing.list()).toEqual([]);
    failFor(3000);
    episode.close();
    expect(failing.list()).toEqual([]);
    expect(changes).toEqual([0, 9000, 9000, 12_000]);
  });
});
