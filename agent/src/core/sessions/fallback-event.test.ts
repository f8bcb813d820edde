import { expect, test } from 'vitest';
import { createFallbackEvents, shortReason } from './fallback-event.ts';

const raw =
  "Can't create a session. /onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 " +
  'onnxruntime::webgpu::WebGpuContext::Initialize(const WebGpuBufferCacheConfig&, int)::<lambda()> status == ' +
  'wgpu::WaitStatus::Success was false. Failed to get a WebGPU adapter:\n No supported adapters.\n';
const fallback = { model: 'map', from: 'webgpu', to: 'cpu', reason: raw };

test('a provider that refuses many models, again and again, is told of once, with the raw text in the detail', () => {
  const eventOf = createFallbackEvents();
  expect(eventOf(fallback, [])).toEqual({
    message: 'map runs on cpu, since webgpu did not take it: Failed to get a WebGPU adapter: No supported adapters.',
    detail: fallback,
  });
  expect(eventOf(fallback, [])).toBeUndefined();
  expect(eventOf({ ...fallback, model: 'other' }, [])).toBeUndefined();
  expect(eventOf({ ...fallback, from: 'cuda' }, [])?.message).toContain('since cuda did not take it');
});

test('a provider that the device does not have is no news; one that ran is', () => {
  const eventOf = createFallbackEvents();
  expect(eventOf(fallback, [{ name: 'webgpu', ran: false }])).toBeUndefined();
  expect(eventOf(fallback, [{ name: 'webgpu', ran: true }])).toBeDefined();
});

test('a tuned setting that gives way to the usual one of the same provider is no fallback', () => {
  expect(createFallbackEvents()({ ...fallback, from: 'cpu' }, [])).toBeUndefined();
});

test.each([
  ['the model is too large', 'the model is too large'],
  ['/src/core/graph.cc:12 Unknown operator', 'Unknown operator'],
  ['x was false. ', 'the engine gave no reason'],
])('the reason of %j is %j', (text, expected) => expect(shortReason(text)).toBe(expected));

test('a long reason is cut', () => {
  expect(shortReason('long '.repeat(200))).toHaveLength(160);
});
