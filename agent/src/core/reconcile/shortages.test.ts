import { expect, test } from 'vitest';
import { createShortages } from './shortages.ts';

const wanted = { release: 'r', artefacts: { detect: 'd0', read: 'r0' }, fallbacks: { detect: ['d1'], read: ['r1', 'r2'] } };
const needs = [
  { name: 'detect', artefact: 'd0', bytes: 10 },
  { name: 'read', artefact: 'r0', bytes: 90 },
];
const reason = '100 bytes are needed, 50 are available';

test('the model that needs most gives way, and says why', () => {
  const shortages = createShortages();
  expect(shortages.giveWay({ wanted, needs, reason, refusal: () => undefined })).toEqual({ model: 'read', artefact: 'r0', isNews: true });
  expect(shortages.refusal('r0')).toEqual({ provider: '', code: 'memory-low', reason });
  expect(shortages.refusal('d0')).toBeUndefined();
});

test('one with no runner-up left stays, and a smaller one gives way in its place', () => {
  const shortages = createShortages();
  const refused = ['r1', 'r2'];
  const given = shortages.giveWay({ wanted, needs, reason, refusal: (artefact) => refused.find((each) => each === artefact) });
  expect(given).toMatchObject({ model: 'detect', artefact: 'd0' });
});

test('what is loaded already, and costs nothing more, does not give way; and where nothing can, nothing does', () => {
  const shortages = createShortages();
  const loaded = [{ name: 'read', artefact: 'r0', bytes: 0 }];
  expect(shortages.giveWay({ wanted, needs: loaded, reason, refusal: () => undefined })).toBeUndefined();
  expect(shortages.giveWay({ wanted: { ...wanted, fallbacks: {} }, needs, reason, refusal: () => undefined })).toBeUndefined();
  expect(shortages.refusal('r0')).toBeUndefined();
});

test('the next try asks again, without saying it again', () => {
  const shortages = createShortages();
  const shortage = { wanted, needs, reason, refusal: () => undefined };
  shortages.giveWay(shortage);
  shortages.forget();
  expect(shortages.refusal('r0')).toBeUndefined();
  expect(shortages.giveWay(shortage)).toMatchObject({ artefact: 'r0', isNews: false });
});
