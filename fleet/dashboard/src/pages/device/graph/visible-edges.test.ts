import { expect, test } from 'vitest';
import { isVisible, pictureBefore } from './visible-edges.ts';

const edges = [
  { from: 'input.image', to: 'decode.image' },
  { from: 'decode.image', to: 'detect.image' },
  { from: 'detect.boxes', to: 'collect.boxes' },
  { from: 'collect.readings', to: 'output.readings' },
  { from: 'detect.boxes', to: 'output.boxes' },
  { from: 'collect.readings', to: 'output.boxes' },
];
const policies = { egress: { outputs: ['readings', 'boxes'], edges: ['decode.image'], sinks: [] } };

test('a port may be looked at that the policy names, or that alone gives an output that leaves', () => {
  expect(isVisible('decode.image', edges, policies)).toBe(true);
  expect(isVisible('collect.readings', edges, policies)).toBe(true);
  expect(isVisible('detect.boxes', edges, policies)).toBe(false);
  expect(isVisible('input.image', edges, policies)).toBe(false);
  expect(isVisible('collect.readings', edges, { egress: { ...policies.egress, outputs: [] } })).toBe(false);
});

test('what was found is drawn over the nearest picture before it', () => {
  const isPicture = (port: string): boolean => port === 'decode.image' || port === 'input.image';
  expect(pictureBefore('collect.readings', edges, isPicture)).toBe('decode.image');
  expect(pictureBefore('collect.readings', edges, (port) => port === 'input.image')).toBe('input.image');
  expect(pictureBefore('collect.readings', edges, () => false)).toBeUndefined();
  expect(pictureBefore('a.x', [{ from: 'a.x', to: 'a.y' }], () => false)).toBeUndefined();
});
