import { StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import { type CameraSituation, whyUnread } from './why-unread.ts';

/** A device that is in, with a release that runs, before a camera that is open. */
const agent = { link: 'online', reported: { running: {}, steps: [], error: null } };
const reading = (change: object = {}, situation: Partial<CameraSituation> = {}): string =>
  whyUnread({
    status: { phase: 'running', pending: false, threads: 1, agent, ...change } as never,
    ...{ isWatching: true, failure: undefined, trouble: undefined, attributes: ['fleet', 'token'], ...situation },
  });
const idle = { ...agent, reported: { ...agent.reported, running: null } };

test('who reads has nothing to explain', () => {
  expect(reading()).toBe('');
});

test.each([
  [{ agent: idle }, 'no release was assigned'],
  [{ agent: { ...idle, reported: { ...idle.reported, steps: [{}] } } }, 'The release is being loaded.'],
  [{ agent: { ...idle, link: 'waiting' } }, 'The fleet is sought; nothing runs here yet.'],
  [{ agent: { ...idle, reported: { ...idle.reported, error: { message: 'it needs more memory' } } } }, 'It needs more memory.'],
  [{ phase: 'enrolling', agent: undefined }, 'Starting.'],
  [{ phase: 'other-tab', agent: undefined }, 'Another tab of this browser is the device.'],
  [{ pending: true }, 'An operator has to approve this device first.'],
])('what it waits for: %j', (change, words) => {
  expect(reading(change)).toContain(words);
});

test('what has failed, with what to do', () => {
  expect(reading({}, { isWatching: false })).toContain('the browser may ask');
  expect(reading({}, { trouble: { code: 'out-of-memory', message: 'the engine has no room', hint: 'close other tabs' } })).toBe(
    'The engine has no room. Close other tabs.',
  );
  expect(reading({}, { failure: new Error('broken') })).toBe('Broken.');
  const unreachable = new StarlingError('unreachable', 'nobody answers', { hint: 'open it' });
  expect(reading({}, { failure: unreachable })).toBe('Nobody answers. Open it.');
  expect(reading({}, { failure: unreachable, attributes: ['token'] })).toContain('The attribute "fleet" is missing');
  const unknown = new StarlingError('not-enrolled', 'this browser is no device', { hint: 'open the link' });
  expect(reading({}, { failure: unknown, attributes: ['fleet'] })).toContain('The attribute "token" is missing');
});
