import type { DeviceView } from '@starling/shared';
import { expect, test } from 'vitest';
import { describeDevice, phaseText } from './device-text.ts';

/** The fields that are shown, of a device whose artefact was chosen before anything was measured. */
const view = {
  ...{ name: 'gate-3', id: 'a'.repeat(26), status: 'active', online: true, lastSeenAtMs: 0, enrolledAtMs: 0, agentVersion: '1.0.0' },
  ...{ labels: {}, profile: 'x86-64', profileReason: { score: 1, reasons: ['x64'], runnersUp: [] }, reported: null },
  capabilities: { executionProviders: [{ name: 'cpu', ran: true }] },
  desired: {
    ...{
      epoch: 1,
      generation: 1,
      release: 'b'.repeat(64),
      releaseName: 'faces-1',
      previousRelease: null,
      assignedAtMs: 0,
      assignedBy: 'ada',
    },
    choices: { face: { artefact: 'c'.repeat(64), precision: 'fp32', sizeBytes: 1000, reason: 'source on cpu; not measured yet' } },
  },
} as unknown as DeviceView;

test('the reason of a choice is said to be of the time of the assignment, and where that of now stands', () => {
  const table = (rows: readonly unknown[], columns: readonly { title: string; value(row: never): unknown }[]): string =>
    [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ value }) => value(row as never)))]
      .map((cells) => cells.join(' | '))
      .join('\n');
  const text = describeDevice(view, { table });
  expect(text).toMatch(/\| WHY, WHEN IT WAS ASSIGNED\nface \| .* \| source on cpu; not measured yet\n/);
  expect(text).toContain('starling artefact explain gate-3 face');
});

test.each([
  ['active', true, 'running'],
  ['active', false, 'running when last seen'],
  ['revoked', false, null],
] as const)('the phase of a device that is %s (online: %s) is %j', (status, online, text) => {
  const reported = { phase: 'running' } as DeviceView['reported'];
  expect(phaseText({ status, online, reported })).toBe(text);
  expect(phaseText({ status, online, reported: null })).toBeNull();
});
