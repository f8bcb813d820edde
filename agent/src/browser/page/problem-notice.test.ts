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
