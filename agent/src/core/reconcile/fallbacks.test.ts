import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelOfLoadError, substitute } from './fallbacks.ts';

const refusal = { provider: 'cpu', code: 'self-test-failed', reason: 'wrong' };
const assignment = { release: 'r', artefacts: { a: 'a0', b: 'b0' }, fallbacks: { a: ['a1', 'a2'] } };

test('what nothing speaks against stays', () => {
  expect(substitute(assignment, () => undefined)).toEqual({ assignment, refused: [] });
});

test('the first runner-up that is not refused runs instead', () => {
  const { assignment: instead, refused } = substitute(assignment, (artefact) => (['a0', 'a1'].includes(artefact) ? refusal : undefined));
  expect(instead?.artefacts).toEqual({ a: 'a2', b: 'b0' });
  expect(refused.map(({ artefact, instead: what }) => [artefact, what])).toEqual([
    ['a0', 'a2'],
    ['a1', 'a2'],
  ]);
});

test('a model with nothing left leaves nothing to run, and says what was refused', () => {
  const { assignment: instead, refused } = substitute(assignment, (artefact) => (artefact === 'b0' ? refusal : undefined));
  expect(instead).toBeUndefined();
  expect(refused).toEqual([{ model: 'b', artefact: 'b0', ...refusal, instead: null }]);
});

test('never gives what is refused, and refusing more never brings a better one back', () => {
  const artefacts = ['a0', 'a1', 'a2', 'b0'];
  fc.assert(
    fc.property(fc.subarray(artefacts), fc.subarray(artefacts), (first, more) => {
      const given = (set: string[]) => substitute(assignment, (artefact) => (set.includes(artefact) ? refusal : undefined)).assignment;
      const both = given([...first, ...more]);
      for (const artefact of Object.values(both?.artefacts ?? {})) expect([...first, ...more]).not.toContain(artefact);
      if (both !== undefined)
        expect(artefacts.indexOf(both.artefacts.a ?? '')).toBeGreaterThanOrEqual(artefacts.indexOf(given(first)?.artefacts.a ?? ''));
    }),
  );
});

test('an error of loading names its model, others do not', () => {
  expect([modelOfLoadError('models.map'), modelOfLoadError('requiredProviders'), modelOfLoadError(undefined)]).toEqual([
    'map',
    undefined,
    undefined,
  ]);
});
