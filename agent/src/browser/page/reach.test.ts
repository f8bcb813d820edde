import { expect, test } from 'vitest';
import { createReach, lostNotice } from './reach.ts';

test('who was lost is offline through every search, and not one that connects', () => {
  const reach = createReach();
  const links = [
    undefined,
    'idle',
    'loggingIn',
    'connecting',
    'online',
    'waiting',
    'loggingIn',
    'waiting',
    'connecting',
    'online',
  ] as const;
  expect(links.map((link, index) => reach(link, index).word)).toEqual([
    ...['starting', 'starting', 'connecting', 'connecting', 'online'],
    ...['offline', 'offline', 'offline', 'offline', 'online'],
  ]);
});

test('a fleet that is back within a moment was not lost, and one that is away for longer is', () => {
  const reach = createReach();
  reach('online', 0);
  expect(reach('waiting', 1_000).isLost).toBe(false);
  expect(reach('loggingIn', 2_500).isLost).toBe(false);
  expect(reach('waiting', 4_000).isLost).toBe(true);
  expect(reach('online', 4_500).isLost).toBe(false);
  expect(reach('waiting', 5_000).isLost).toBe(false);
});

test('says that what runs here runs on only where something does', () => {
  expect(lostNotice(true).text).toContain('works without it');
  expect(lostNotice(false).text).toContain('nothing runs here yet');
});
