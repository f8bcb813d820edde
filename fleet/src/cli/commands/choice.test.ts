import { expect, test } from 'vitest';
import { nothingBetterText } from './choice.ts';

test.each([
  [0, 0, 'no device has a release'],
  [4, 4, 'nothing is measured yet, so nothing is known to be better; "starling benchmark plan" shows what will be'],
  [4, 1, 'nothing is clearly better by what is measured so far; 1 of 4 choices are not measured yet'],
  [4, 0, 'nothing is clearly better by what is measured so far'],
])('of %i choices %i not measured: "%s"', (choices, unmeasured, text) => {
  expect(nothingBetterText({ choices, unmeasured })).toBe(text);
});
