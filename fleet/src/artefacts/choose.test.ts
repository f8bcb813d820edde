import type { ArtefactView } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { type ChoiceInput, chooseArtefact, ERROR_BUDGET } from './choose.ts';

type Facts = Pick<ArtefactView, 'precision' | 'optimisation' | 'executionProviders' | 'sizeBytes'> & { maximumError: number };
const artefact = (digest: string, facts: Partial<Facts>): ArtefactView => {
  const { maximumError = 0, ...rest } = facts;
  return {
    ...{ digest, precision: 'fp32', optimisation: 'none', executionProviders: ['cpu'], sizeBytes: 10_000_000, ...rest },
    report: { compressionRatio: 1, maximumError, quantisedTensors: 0, buildMs: 1 },
  } as ArtefactView;
};
const fp32 = artefact('f', {});
const int8 = artefact('i', { precision: 'int8', optimisation: 'weights-int8-per-channel', sizeBytes: 2_700_000, maximumError: 0.01 });
const profile: ChoiceInput['profile'] = {
  ...{ title: 'Board', executionProviders: ['cpu'], acceleratedPrecisions: ['fp32'], memoryBudgetBytes: 1e9 },
};
const capabilities = (...names: string[]): ChoiceInput['capabilities'] => ({
  executionProviders: names.map((name) => ({ name, ran: true })),
});
const choose = (candidates: ArtefactView[], change: Partial<ChoiceInput> = {}) =>
  chooseArtefact({ candidates, profile, capabilities: capabilities('cpu'), ...change });

describe('the choice of an artefact', () => {
  test('takes the fewest bytes of what is equally fast, and says why of each', () => {
    const { choice, verdicts } = choose([fp32, int8]);
    expect(choice).toMatchObject({ artefact: 'i', reason: expect.stringContaining('27 % of the bytes of fp32') });
    expect(verdicts.map(({ artefact: digest, chosen, verdict }) => [digest, chosen, verdict])).toEqual([
      ['f', false, expect.stringContaining('instead of 2.7 MB')],
      ['i', true, 'chosen'],
    ]);
    expect(choose([int8, fp32]).choice?.artefact).toBe('i');
  });

  test('takes none that differs too much from fp32', () => {
    const wrong = { ...int8, report: { ...int8.report, maximumError: ERROR_BUDGET + 0.01 } };
    const { choice, verdicts } = choose([fp32, wrong]);
    expect(choice?.artefact).toBe('f');
    expect(verdicts[1]?.verdict).toContain('over the 35 % that are allowed');
  });

  test('takes none that does not fit into the memory of the profile', () => {
    const { choice, verdicts } = choose([fp32, int8], { profile: { ...profile, memoryBudgetBytes: 20_000_000 } });
    expect(choice?.artefact).toBe('i');
    expect(verdicts[0]?.verdict).toContain('of memory');
    const none = choose([fp32], { profile: { ...profile, memoryBudgetBytes: 1_000 } });
    expect([none.choice, none.verdicts[0]?.chosen]).toEqual([undefined, false]);
  });

  test('takes only what runs on a provider that really ran there, and that the release allows', () => {
    const forGpu = artefact('g', { executionProviders: ['cuda'], sizeBytes: 1 });
    expect(choose([forGpu, fp32]).choice?.artefact).toBe('f');
    const both = { profile: { ...profile, executionProviders: ['cuda', 'cpu'] }, capabilities: capabilities('cuda', 'cpu') };
    expect(choose([forGpu, fp32], both).choice?.artefact).toBe('g');
    const broken = {
      ...both,
      capabilities: {
        executionProviders: [
          { name: 'cuda', ran: false },
          { name: 'cpu', ran: true },
        ],
      },
    };
    expect(choose([forGpu, fp32], broken).choice?.artefact).toBe('f');
    const refused = choose([fp32], { ...both, requiredProviders: ['cuda'] });
    expect(refused.choice).toBeUndefined();
    expect(refused.verdicts[0]?.verdict).toContain('this device offers cuda');
  });

  test('prefers the precision that the hardware accelerates, though it has more bytes', () => {
    const real = artefact('q', { precision: 'int8', optimisation: 'qdq' as Facts['optimisation'], sizeBytes: 3_000_000 });
    const accelerated = {
      profile: { ...profile, acceleratedPrecisions: ['int8', 'fp32'] as ChoiceInput['profile']['acceleratedPrecisions'] },
    };
    expect(choose([int8, fp32, real], accelerated).choice?.artefact).toBe('q');
  });

  test('does not depend on the order of what there is', () => {
    const twin = { ...int8, digest: 'h' };
    expect(choose([twin, int8]).choice?.artefact).toBe(choose([int8, twin]).choice?.artefact);
  });
});
