import { HELPS_MAXIMUM, type Help, type ReportedState, StarlingError } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import type { DeviceRow } from '../devices/index.ts';
import type { DesiredRow } from './store.ts';
import { lackOf } from './worker-lack.ts';

const [NEW, OLD] = ['b', 'a'].map((letter) => letter.repeat(64)) as [string, string];
const help = (release: string): Help => ({ release, places: ['cloud'], artefacts: {} });
const problem = { code: 'memory-low', message: 'the models need 300 MB, and 100 MB are left' };

function lack(device: Partial<DeviceRow> = {}, row: Partial<DesiredRow> | null = {}, choose: () => unknown = () => ({})): string {
  const worker = {
    ...{
      status: 'active',
      online: true,
      lastSeenAtMs: 0,
      labels: { place: 'cloud' },
      agentVersion: '0.9.0',
      operatorVersions: { helping: 1 },
    },
    ...{ reported: { helps: [] }, ...device },
  } as unknown as DeviceRow;
  const desired =
    row === null ? undefined : ({ release: OLD, places: ['cloud'], helps: [], artefacts: {}, ...row } as unknown as DesiredRow);
  return lackOf(worker, desired, { release: NEW, places: ['cloud'], choose });
}
const reports = (state: object): Partial<DeviceRow> => ({ reported: state as ReportedState });

describe('what a worker lacks', () => {
  test('is its presence', () => {
    expect(lack({ online: false, lastSeenAtMs: 1_000 })).toBe('it was last heard at 1970-01-01T00:00:01.000Z');
    expect(lack({ online: false, lastSeenAtMs: null })).toBe('it was never heard');
    expect(lack({ status: 'revoked' })).toBe('it was revoked');
  });

  test('is what it says itself, of the parts or of its own release', () => {
    const told = 'the models need 300 MB, and 100 MB are left (memory-low)';
    expect(lack(reports({ helps: [{ release: NEW, state: 'failed', problem }] }), { helps: [help(NEW)] })).toBe(told);
    expect(lack(reports({ phase: 'failed', error: problem }), { release: NEW })).toBe(told);
    expect(lack(reports({ helps: [{ release: NEW, state: 'pulling' }] }), { helps: [help(NEW)] })).toBe('it is at "pulling"');
    expect(lack(reports({ phase: 'probation', error: null }), { release: NEW })).toBe('it is at "probation"');
    expect(lack({ reported: null }, { helps: [help(NEW)] })).toBe('it is at "waiting"');
  });

  test('is what kept the fleet from giving it the parts', () => {
    expect(lack({ labels: {} })).toBe('its labels make it none of cloud');
    expect(lack({}, null)).toBe('it was given no release of several places itself');
    expect(lack({}, { places: null })).toBe('it was given no release of several places itself');
    expect(lack({ operatorVersions: {} })).toBe('its agent 0.9.0 holds parts of one release at a time');
    const none = (): never => {
      throw new StarlingError('no-artefact', 'net has no artefact that runs on linux-x64');
    };
    expect(lack({}, {}, none)).toBe('net has no artefact that runs on linux-x64 (no-artefact)');
    const others = Array.from({ length: HELPS_MAXIMUM }, (_, index) => help(`${index}`.repeat(64)));
    expect(lack({}, { helps: others })).toBe('it holds parts of 4 other releases, as many as it can');
    expect(lack()).toBe('it was not told of them yet');
  });
});
