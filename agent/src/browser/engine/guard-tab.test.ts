import { StarlingError } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { createMemoryFileStore, type MemoryFileStore } from '../../core/ports/memory/file-store.ts';
import type { InstalledRelease, RuntimeHost } from '../../core/ports/runtime-host.ts';
import { ENDINGS_MAXIMUM, guardTab, REST_MS } from './guard-tab.ts';

type Fate = 'lives' | 'ends at load' | 'ends at the test' | 'refuses to load' | 'fails the test';
const NEVER = new Promise<never>(() => undefined);
const release = (key: string): InstalledRelease => ({ key }) as InstalledRelease;

/** A host with one fate for each release. Where a tab ends, nothing that waits in it goes on. */
function hostOf(fates: Readonly<Record<string, Fate>>): RuntimeHost {
  return {
    async load({ key }: InstalledRelease) {
      if (fates[key] === 'ends at load') return NEVER;
      if (fates[key] === 'refuses to load') throw new StarlingError('load-failed', 'no');
      return { providers: {}, loadMs: 1 };
    },
    selfTest: async (key: string) => (fates[key] === 'ends at the test' ? NEVER : { passed: fates[key] === 'lives', models: {} }),
  } as unknown as RuntimeHost;
}

/** One life of a tab: runs what it ran before, then loads and tests a release. @returns what came of it */
async function life(files: MemoryFileStore, fates: Readonly<Record<string, Fate>>, key: string, { leftCleanly = false, atMs = 0 } = {}) {
  const host = guardTab(hostOf(fates), { files, leftCleanly, wallMs: () => atMs });
  const tried = (async () => {
    await host.load(release('earlier'));
    await host.selfTest('earlier');
    await host.load(release(key));
    return (await host.selfTest(key)).passed ? 'runs' : 'fails';
  })().catch((error: StarlingError) => error.code);
  const ended = new Promise<string>((resolve) => void setTimeout(() => resolve('the tab ended'), 20));
  return Promise.race([tried, ended]);
}

describe('a release that takes the tab with it', () => {
  test.each<Fate>(['ends at load', 'ends at the test'])('%s: is given up after some lives, and others still run', async (fate) => {
    const files = createMemoryFileStore();
    const fates: Record<string, Fate> = { bad: fate, good: 'lives' };
    const seen: string[] = [];
    for (let count = 0; count <= ENDINGS_MAXIMUM; count += 1) seen.push(await life(files, fates, 'bad'));
    expect(seen).toEqual([...new Array(ENDINGS_MAXIMUM).fill('the tab ended'), 'tab-ended']);
    expect(await life(files, fates, 'bad', { atMs: REST_MS - 1 })).toBe('tab-ended');
    // One more try a day, not three.
    expect(await life(files, fates, 'bad', { atMs: REST_MS })).toBe('the tab ended');
    expect(await life(files, fates, 'bad', { atMs: REST_MS + 1 })).toBe('tab-ended');
    expect(await life(files, fates, 'good', { atMs: REST_MS + 1 })).toBe('runs');
  });

  test('whoever loads the page again, or closes it, ends no release', async () => {
    const files = createMemoryFileStore();
    for (let count = 0; count < 3 * ENDINGS_MAXIMUM; count += 1)
      expect(await life(files, { slow: 'ends at load' }, 'slow', { leftCleanly: true })).toBe('the tab ended');
  });

  test('a few ends are forgotten by a life in which it runs, is refused or fails its test', async () => {
    for (const [fate, outcome] of [
      ['lives', 'runs'],
      ['refuses to load', 'load-failed'],
      ['fails the test', 'fails'],
    ] as const) {
      const files = createMemoryFileStore();
      for (let round = 0; round < 3; round += 1) {
        for (let count = 1; count < ENDINGS_MAXIMUM; count += 1)
          expect(await life(files, { it: 'ends at load' }, 'it')).toBe('the tab ended');
        expect(await life(files, { it: fate }, 'it')).toBe(outcome);
        expect(await files.list('')).toEqual([]);
      }
    }
  });

  test('a disk that is full, or a mark that cannot be read, keeps nothing from running', async () => {
    const full = createMemoryFileStore();
    full.limit(0);
    expect(await life(full, { it: 'lives' }, 'it')).toBe('runs');
    const torn = createMemoryFileStore();
    await torn.write('on-trial.json', new TextEncoder().encode('[{"key": "it", "beg'));
    expect(await life(torn, { it: 'lives' }, 'it')).toBe('runs');
  });
});
