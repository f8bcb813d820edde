import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ATTEMPTS_MAXIMUM, decideStart, failed, proved, STARTS_MAXIMUM } from './decide-start.ts';
import { noUpdate, type UpdateState } from './state.ts';

const build = (version: string) => ({ version, issuedAtMs: 1, folder: version });
const trialOf = (version: string, attempts = 0) => ({ ...build(version), command: 'c', hasRelease: true, attempts });

test('without an update the program that was started runs', () => {
  expect(decideStart(noUpdate, undefined, false)).toEqual({ start: { kind: 'run' }, state: noUpdate });
});

test('a build that has proved itself takes the place of the one that was started', () => {
  const state = { ...noUpdate, current: build('2') };
  expect(decideStart(state, undefined, false)).toEqual({ start: { kind: 'hand-over', build: build('2') }, state: { ...state, starts: 1 } });
  expect(decideStart(state, '2', false).start).toEqual({ kind: 'run' });
});

test('one that is never well any more gives way to the one that was installed by hand', () => {
  const { start, state } = decideStart({ ...noUpdate, current: build('2'), starts: STARTS_MAXIMUM }, undefined, false);
  expect([start, state.current, state.last?.failure]).toEqual([{ kind: 'run' }, null, expect.stringContaining('never well')]);
});

test('a build on trial is watched, so many times, and then the one of before is back', () => {
  let state: UpdateState = { ...noUpdate, current: build('2'), trial: trialOf('3') };
  for (let attempt = 1; attempt <= ATTEMPTS_MAXIMUM; attempt += 1) {
    const next = decideStart(state, '2', false);
    expect(next.start).toEqual({ kind: 'watch', trial: trialOf('3', attempt) });
    state = next.state;
  }
  const end = decideStart(state, '2', false);
  expect([end.start, end.state.trial, end.state.last]).toMatchObject([{ kind: 'hand-over', build: build('2') }, null, { command: 'c' }]);
  expect(decideStart({ ...noUpdate, trial: trialOf('3', 1) }, '3', true).start).toEqual({ kind: 'run' });
});

test('whatever state a cut leaves, and however often it is cut again, starts lead to a build that is there', () => {
  const version = fc.constantFrom('1', '2', '3');
  const states = fc.record({
    current: fc.option(version.map(build)),
    starts: fc.nat(STARTS_MAXIMUM + 1),
    trial: fc.option(fc.tuple(version, fc.nat(ATTEMPTS_MAXIMUM + 1)).map(([name, attempts]) => trialOf(name, attempts))),
    last: fc.constant(null),
  });
  fc.assert(
    fc.property(
      states,
      fc.option(version, { nil: undefined }),
      fc.array(fc.constantFrom('cut', 'proved', 'failed'), { minLength: 30, maxLength: 30 }),
      (first, by, fates) => {
        let state: UpdateState = first;
        let running: string | undefined = by;
        for (const fate of fates) {
          const next = decideStart(state, running, false);
          state = next.state;
          if (next.start.kind === 'run') return;
          if (next.start.kind === 'hand-over') {
            expect([first.current?.version, first.trial?.version]).toContain(next.start.build.version);
            // It runs, or a cut starts the program that was installed by hand.
            if (fate !== 'cut') running = next.start.build.version;
            else running = undefined;
          } else if (fate === 'proved') state = proved(state);
          else if (fate === 'failed') state = failed(state, 'why');
        }
        expect.unreachable('it never came to rest');
      },
    ),
  );
});
