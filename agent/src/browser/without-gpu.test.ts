import { expect, test } from 'vitest';
import { withoutGpu } from './without-gpu.ts';

const adapter = { vendor: '', architecture: '', device: '', description: '', features: [], software: false };

test('a browser without WebGPU, one without an adapter, and an adapter of software are three things', () => {
  expect(withoutGpu(null, false)).toBe('this browser has no WebGPU');
  expect(withoutGpu(null, true)).toContain('gives no adapter');
  expect(withoutGpu({ ...adapter, software: true }, true)).toContain('on the processor');
  expect(withoutGpu(adapter, true)).toBeUndefined();
});
