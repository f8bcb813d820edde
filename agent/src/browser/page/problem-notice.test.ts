import { StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import { errorNotice, problemNotice } from './problem-notice.ts';

test('a link that was cut is told of as a link; what else is wrong in its own words', () => {
  const cut = new StarlingError('invalid-token', 'this is no claim token', { hint: 'copy the whole line that starts with "starling1."' });
  for (const notice of [errorNotice(cut), problemNotice(cut)]) {
    expect(notice.text).toContain('link');
    expect(`${notice.text} ${notice.hint}`).not.toMatch(/starling1|line|token/);
  }
  expect(problemNotice({ code: 'no-storage', message: 'no room', hint: 'make room' })).toEqual({
    text: 'No room.',
    hint: 'Make room.',
    isBad: true,
  });
  expect(errorNotice(new Error('broken'))).toEqual({ text: 'Broken.', hint: undefined, isBad: true });
});

test('a link that the fleet refuses is told of as a link, with the reason and what to do', () => {
  const message = 'the claim token cannot be used: it expired at 2026-11-24 03:12:05 UTC';
  const notice = errorNotice(new StarlingError('claim-token-refused', message, { hint: 'make a new one with "starling token create"' }));
  expect(notice.text).toBe('The link or QR code that opened this page adds no device: it expired at 2026-11-24 03:12:05 UTC.');
  expect(notice.hint).toContain('Make a new one under "Add a device" on the dashboard.');
  expect(problemNotice({ code: 'claim-token-refused', message: 'not like that' }).text).toContain('adds no device: not like that.');
});
