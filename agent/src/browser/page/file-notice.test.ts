import { StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import { fileNotice } from './file-notice.ts';

test('a picture that cannot be decoded is called damaged, with its name, and not of the wrong kind', () => {
  const error = new StarlingError('not-an-image', 'the image cannot be read: no end', { hint: 'send a whole JPEG' });
  const { text, hint, isBad } = fileNotice('street.jpg', error);
  expect(text).toMatch(/^street\.jpg is damaged: .* cannot be decoded\.$/);
  expect(`${text} ${hint}`).not.toMatch(/kind|JPEG|taken/);
  expect(isBad).toBe(true);
});

test('what else failed is told in its own words', () => {
  const error = new StarlingError('image-too-large', 'it is too large', { hint: 'send a smaller one' });
  expect(fileNotice('sky.png', error)).toEqual({ text: 'sky.png: it is too large', hint: 'send a smaller one', isBad: true });
  expect(fileNotice('sky.png', new Error('gone'))).toEqual({ text: 'sky.png: gone', hint: undefined, isBad: true });
});
