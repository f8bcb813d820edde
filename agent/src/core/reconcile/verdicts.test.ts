import { expect, test } from 'vitest';
import type { Log } from '../ports/log.ts';
import { createMemoryFileStore } from '../ports/memory/file-store.ts';
import { type NewVerdict, openVerdicts } from './verdicts.ts';

const clock = { monotonicMs: () => 0, wallMs: () => 1, after: () => () => undefined };
const silent = (): undefined => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent, newest: () => [] };
const identity = { runtimeVersion: 'engine 1', hardware: 'h'.repeat(64) };
const artefact = 'a'.repeat(64);
const failed: NewVerdict = { artefact, provider: 'cpu', passed: false, maximumError: 2, code: 'self-test-failed', reason: 'wrong' };

test('a refusal outlives the process, and not the engine or the hardware', async () => {
  const files = createMemoryFileStore();
  const verdicts = await openVerdicts(files, identity, clock, log);
  expect(verdicts.refusal(artefact)).toBeUndefined();
  expect(await verdicts.note(failed)).toBe(true);
  expect(await verdicts.note(failed)).toBe(false);
  const again = await openVerdicts(files, identity, clock, log);
  expect(again.refusal(artefact)).toMatchObject({ code: 'self-test-failed', reason: 'wrong' });
  for (const other of [{ runtimeVersion: 'engine 2' }, { hardware: 'i'.repeat(64) }])
    expect((await openVerdicts(files, { ...identity, ...other }, clock, log)).refusal(artefact)).toBeUndefined();
});

test('what passes on one provider does not excuse it on another; what passes there again does', async () => {
  const verdicts = await openVerdicts(createMemoryFileStore(), identity, clock, log);
  await verdicts.note(failed);
  await verdicts.note({ artefact, provider: 'webgpu', passed: true, maximumError: 0 });
  expect(verdicts.refusal(artefact)?.provider).toBe('cpu');
  await verdicts.note({ artefact, provider: 'cpu', passed: true, maximumError: 0 });
  expect(verdicts.refusal(artefact)).toBeUndefined();
});

test('a file that cannot be read is forgotten', async () => {
  const files = createMemoryFileStore();
  await files.write('golden-verdicts', new TextEncoder().encode('[{"artefact":1}]'));
  const verdicts = await openVerdicts(files, identity, clock, log);
  expect(verdicts.refusal(artefact)).toBeUndefined();
  expect(await verdicts.note(failed)).toBe(true);
});
