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
  const among =
    (...ports: string[]) =>
    (port: string): string | undefined =>
      ports.includes(port) ? port : undefined;
  expect(pictureBefore('collect.readings', edges, among('decode.image', 'input.image'))).toBe('decode.image');
  expect(pictureBefore('collect.readings', edges, among('input.image'))).toBe('input.image');
  expect(pictureBefore('collect.readings', edges, among())).toBeUndefined();
  expect(pictureBefore('a.x', [{ from: 'a.x', to: 'a.y' }], among())).toBeUndefined();
});
