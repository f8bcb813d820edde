import { type Capabilities, capabilitiesSchema, type DeviceProfile, deviceProfileSchema, wattsAt } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitProfile, loadProfiles } from './index.ts';

const profiles = loadProfiles();

function device(cores: number, memoryBytes: number): Capabilities {
  return capabilitiesSchema.parse({
    schemaVersion: 1,
    environment: 'node',
    os: 'linux',
    architecture: 'x64',
    agentVersion: '1.0.0',
    cpu: { cores },
    memory: { totalBytes: memoryBytes, availableBytes: memoryBytes },
    disk: { totalBytes: 0, freeBytes: 0 },
  });
}

function named(name: string): DeviceProfile {
  const found = profiles.find((profile) => profile.name === name);
  if (found === undefined) throw new Error(`there is no profile ${name}`);
  return found;
}

test('a virtual machine of 64 cores takes and costs 32 times what one of 2 cores does', () => {
  const small = fitProfile(named('cloud-x86-64'), device(2, 2 ** 40));
  const large = fitProfile(named('cloud-x86-64'), device(64, 2 ** 40));
  expect(small.powerModel).toMatchObject({ idleWatts: 1.48, maximumWatts: 7 });
  expect(wattsAt(large.powerModel, 0.5)).toBeCloseTo(32 * wattsAt(small.powerModel, 0.5), 9);
  expect(large.pricePerHourUsd?.value).toBeCloseTo(32 * 0.085, 9);
});

test('a board is what it is, however many of its cores are on', () => {
  const board = named('raspberry-pi-4');
  expect(fitProfile(board, device(2, 2 ** 40))).toEqual(board);
});

test('models get no more than half of the memory that there is', () => {
  const board = named('raspberry-pi-5');
  expect(fitProfile(board, device(4, 2 ** 31)).memoryBudgetBytes).toBe(2 ** 30);
  expect(fitProfile(board, device(4, 2 ** 34)).memoryBudgetBytes).toBe(board.memoryBudgetBytes);
  // A browser that keeps its memory secret says 0.
  expect(fitProfile(board, device(4, 0)).memoryBudgetBytes).toBe(board.memoryBudgetBytes);
});

test('every shipped profile, fitted to any device, is a valid profile whose power never falls', () => {
  const sizes = fc.record({ cores: fc.integer({ min: 1, max: 512 }), memoryBytes: fc.integer({ min: 0, max: 2 ** 42 }) });
  const loads = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...profiles), sizes, loads, loads, (profile, { cores, memoryBytes }, one, other) => {
      const fitted = fitProfile(profile, device(cores, memoryBytes));
      expect(deviceProfileSchema.parse(fitted)).toEqual(fitted);
      expect(fitted.memoryBudgetBytes).toBeLessThanOrEqual(profile.memoryBudgetBytes);
      const { powerModel } = fitted;
      const [low, high] = [wattsAt(powerModel, Math.min(one, other)), wattsAt(powerModel, Math.max(one, other))];
      const rounding = 1e-9 * powerModel.maximumWatts;
      expect(low).toBeGreaterThanOrEqual(powerModel.idleWatts - rounding);
      expect(low).toBeLessThanOrEqual(high + rounding);
      expect(high).toBeLessThanOrEqual(powerModel.maximumWatts + rounding);
    }),
  );
});

test('fitting twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.constantFrom(...profiles), fc.integer({ min: 1, max: 512 }), (profile, cores) => {
      const once = fitProfile(profile, device(cores, 2 ** 33));
      expect(fitProfile(once, device(cores, 2 ** 33))).toEqual(once);
    }),
  );
});
