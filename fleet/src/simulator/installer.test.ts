import type { DesiredState, ReportedState } from '@starling/shared';
import { expect, test } from 'vitest';
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
