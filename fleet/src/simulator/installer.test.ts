import { type DesiredState, INSTALL_ATTEMPTS_MAXIMUM, installRetryMs, type ReportedState, StarlingError } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { createBehaviour, defaultBehaviour } from './behaviour.ts';
import { createInstaller } from './installer.ts';
import { noFigures } from './messages.ts';

const release = 'a'.repeat(64);
const desired = (generation: number): DesiredState =>
  ({ epoch: 1, generation, assignment: { release, artefacts: {} } }) as unknown as DesiredState;

/** @returns phases that it reports, all waits left out */
function open(): { want(next: DesiredState): void; answer(): Promise<void>; phases: string[] } {
  const phases: string[] = [];
  const lookup = Promise.withResolvers<undefined>();
  const waiting: (() => void)[] = [];
  const installer = createInstaller({
    behaviour: createBehaviour(defaultBehaviour, 0),
    figures: noFigures(),
    clock: systemClock,
    facts: () => lookup.promise,
    after: (_ms, act) => void waiting.push(act),
    report: ({ phase }: ReportedState) => void phases.push(phase),
    changed: () => undefined,
  });
  return {
    want: installer.want,
    async answer() {
      lookup.resolve(undefined);
      await new Promise((resolve) => setImmediate(resolve));
      for (let act = waiting.shift(); act !== undefined; act = waiting.shift()) act();
    },
    phases,
  };
}

test('what it is told again while it looks up the release is installed all the same, once', async () => {
  const device = open();
  device.want(desired(1));
  device.want(desired(1));
  await device.answer();
  expect(device.phases.filter((phase) => phase === 'checking')).toHaveLength(1);
  expect(device.phases.at(-1)).toBe('running');
});

test('what it was told before that is forgotten', async () => {
  const device = open();
  device.want(desired(1));
  device.want(desired(2));
  await device.answer();
  expect(device.phases.filter((phase) => phase === 'checking')).toHaveLength(1);
  expect(device.phases.at(-1)).toBe('running');
});

describe('what cannot be pulled', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** @param pull one try: it fails with what it throws */
  function openPulling(pull: () => void, timeFactor = 1) {
    const reports: ReportedState[] = [];
    const figures = noFigures();
    const waiting = new Map<string, { ms: number; act: () => void }>();
    const installer = createInstaller({
      behaviour: createBehaviour({ ...defaultBehaviour, timeFactor }, 0),
      pull: async () => pull(),
      figures,
      clock: { nowMs: () => 1_000_000 },
      facts: async () => undefined,
      after: (ms, act, name) => void waiting.set(name, { ms, act }),
      report: (reported) => void reports.push(reported),
      changed: () => undefined,
    });
    return {
      ...{ installer, figures, reports },
      /** Lets pass what is waited for. @returns how long that was; undefined where nothing is waited for */
      async pass(): Promise<number | undefined> {
        await turn();
        const [[name, next] = []] = [...waiting];
        if (name !== undefined) waiting.delete(name);
        next?.act();
        await turn();
        return next?.ms;
      },
    };
  }
  const missing = (): never => {
    throw new StarlingError('chunk-missing', 'it is not there', { retryable: true });
  };

  test('is tried again, ever more rarely, and then left until a new session', async () => {
    let isMissing = true;
    const { installer, figures, reports, pass } = openPulling(() => isMissing && missing());
    installer.want(desired(1));
    const waits: (number | undefined)[] = [];
    for (let attempt = 1; attempt <= INSTALL_ATTEMPTS_MAXIMUM; attempt += 1) {
      await pass();
      const failed = reports.at(-1) ?? expect.unreachable();
      expect([failed.phase, failed.error?.code]).toEqual(['failed', 'chunk-missing']);
      const waitMs = installRetryMs(attempt);
      expect(failed.retryAtMs).toBe(waitMs === undefined ? undefined : 1_000_000 + waitMs);
      waits.push(await pass());
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, undefined]);
    expect(figures).toMatchObject({ pullsRetried: INSTALL_ATTEMPTS_MAXIMUM - 1, pullsGivenUp: 1, pulled: 0, pulling: 0 });
    isMissing = false;
    installer.online();
    while ((await pass()) !== undefined);
    expect(reports.at(-1)).toMatchObject({ phase: 'running', error: null });
    expect(figures).toMatchObject({ pulled: 1, problems: { 'chunk-missing': INSTALL_ATTEMPTS_MAXIMUM } });
  });

  test('waits as long as everything else does there, and is forgotten for what it is told next', async () => {
    let isMissing = true;
    const { installer, reports, pass } = openPulling(() => isMissing && missing(), 0.1);
    installer.want(desired(1));
    await pass();
    expect(reports.at(-1)?.retryAtMs).toBe(1_000_200);
    isMissing = false;
    installer.want(desired(2));
    while ((await pass()) !== undefined);
    expect(reports.at(-1)).toMatchObject({ phase: 'running', generation: 2 });
    expect(reports.filter(({ phase }) => phase === 'failed')).toHaveLength(1);
  });

  test('is given up at once where it will not be another later', async () => {
    const { installer, figures, reports, pass } = openPulling(() => {
      throw new StarlingError('bad-document', 'it is not what it should be');
    });
    installer.want(desired(1));
    await pass();
    expect(reports.at(-1)).toMatchObject({ phase: 'failed', error: { code: 'bad-document' } });
    expect(reports.at(-1)).not.toHaveProperty('retryAtMs');
    expect(await pass()).toBeUndefined();
    expect(figures).toMatchObject({ pullsRetried: 0, pullsGivenUp: 1 });
  });
});
