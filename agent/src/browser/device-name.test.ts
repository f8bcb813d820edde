import { expect, test } from 'vitest';
import { browserWords, deviceNameOf } from './device-name.ts';

test.each([
  [{ name: 'Chromium', os: 'linux', mobile: false }, 'Chromium on Linux'],
  [{ name: 'Google Chrome', os: 'android', mobile: true }, 'Google Chrome on Android (phone)'],
  [{ name: 'Safari', os: 'mac os', mobile: false }, 'Safari on macOS'],
  [{ name: 'Safari', os: 'iphone', mobile: true }, 'Safari on iPhone (phone)'],
])('%o is %s', (browser, words) => expect(browserWords(browser)).toBe(words));

test('two browsers alike are named apart, each as its id begins', () => {
  const names = ['ab3fz7qk2m', 'ab3fz6qk2m'].map((device) => deviceNameOf('Chromium on Linux', device));
  expect(names).toEqual(['Chromium on Linux ab3fz7', 'Chromium on Linux ab3fz6']);
});
