import { expect, test } from 'vitest';
import { noImageReason } from './takes-image.ts';

test('an image goes to the first input alone, and why none can is said', () => {
  expect(noImageReason({ name: 'read-signs', inputs: { image: 'encoded-image', hint: 'json' } })).toBeUndefined();
  expect(noImageReason({ name: 'gate', inputs: {} })).toMatch(/^gate takes no image: .*sources/);
  expect(noImageReason({ name: 'speech', inputs: { sound: 'audio' } })).toBe('speech takes no image: its input sound is audio.');
});
