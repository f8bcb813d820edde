import { expect, test } from 'vitest';
import { judgeFault } from './engine-fault.ts';

test.each([
  ["Can't create a session. ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc"],
  ["Can't create a session. failed to allocate a buffer of size 18024273."],
  ['ERROR_CODE: 1, ERROR_MESSAGE: /onnxruntime/core/common/safeint.h:17 static void SafeIntOnOverflow() Integer overflow'],
  ['ERROR_CODE: 2, ERROR_MESSAGE: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Tensor shape is too large'],
  ['WebGPU validation failed. Buffer size (1153433600) exceeds the max buffer size limit (1073741824).'],
  ['Array buffer allocation failed'],
])('is short of memory, and goes on: %s', (text) => {
  expect(judgeFault(new Error(text))).toMatchObject({ isMemory: true, isEnd: false, reason: expect.stringContaining(text) });
});

test.each([
  ['a trap', new WebAssembly.RuntimeError('unreachable')],
  ['an abort', new Error('Aborted(). Build with -sASSERTIONS for more info.')],
  ['an exception that nobody caught', 1991937888],
])('ends with %s', (_name, cause) => {
  expect(judgeFault(cause)).toMatchObject({ isMemory: false, isEnd: true, reason: expect.stringContaining('broken off') });
});

test('an abort for lack of memory is both', () => {
  expect(judgeFault(new WebAssembly.RuntimeError('Aborted(OOM): out of memory'))).toMatchObject({ isMemory: true, isEnd: true });
});

test('goes on after any other error, in its own words', () => {
  const text = 'ERROR_CODE: 2, ERROR_MESSAGE: Got invalid dimensions for input: x';
  expect(judgeFault(new Error(text))).toEqual({ reason: text, isMemory: false, isEnd: false });
});
