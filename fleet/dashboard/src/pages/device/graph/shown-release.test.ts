import type { DeviceView } from '@starling/shared';
import { expect, test } from 'vitest';
import { noteOf, shownReleaseOf } from './shown-release.ts';

const [running, assigned, last] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
const device = (desired: object | null, reported: object | null, online = true) =>
  ({ desired, reported, online }) as unknown as Pick<DeviceView, 'desired' | 'reported' | 'online'>;

test('what runs is drawn, also while another release is on its way', () => {
  expect(shownReleaseOf(device({ release: running }, { running: { release: running } }))).toEqual({
    ...{ digest: running, isRunning: true, remark: undefined },
  });
  expect(shownReleaseOf(device({ release: assigned, releaseName: 'yard-2' }, { running: { release: running } }))).toEqual({
    ...{ digest: running, isRunning: true, remark: 'It is assigned yard-2, and still runs this one.' },
  });
});

test('what is assigned is drawn before it runs, and what ran last where nothing is assigned', () => {
  expect(shownReleaseOf(device({ release: assigned }, null))).toMatchObject({ digest: assigned, isRunning: false });
  expect(shownReleaseOf(device({ release: assigned }, { running: null, previous: last }, false))).toEqual({
    ...{ digest: assigned, isRunning: false, remark: 'It is offline, and has not run this release yet.' },
  });
  expect(shownReleaseOf(device({ release: null, previousRelease: last }, { running: null, previous: null }))?.digest).toBe(last);
  expect(shownReleaseOf(device(null, null))).toBeUndefined();
});

test('figures that are still read are told apart from figures that are not there', () => {
  const notes = [{ state: 'reading' }, { state: 'refused', message: 'no connection' }, { state: 'none' }] as const;
  expect(notes.map((told) => noteOf(told, { remark: undefined }, []))).toEqual([
    'Reading its figures …',
    'Its figures cannot be read: no connection.',
    'No figures yet: a device tells them once items go through.',
  ]);
  expect(noteOf({ state: 'told', span: '1 min' }, { remark: 'It runs.' }, ['server'])).toBe(
    'Figures of the last 1 min: on nodes runs and the time of each, on lines values. Those inside of parts are of server, for all that it works for. It runs.',
  );
});
