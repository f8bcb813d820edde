import type { Capabilities, DeviceProfile } from '@starling/shared';
import { scalePower } from './power-model.ts';

/** Models may take this share of a device's memory at most; the rest is for the system, the agent and images under way. */
const MODEL_MEMORY_SHARE = 0.5;

/**
 * A profile as it holds for one device: power and price of its cores, if the profile describes a machine of some other size, and a
 * memory budget that its own memory has room for. Pure.
 * @returns absolute figures, without `referenceCores`
 */
export function fitProfile(profile: DeviceProfile, { cpu, memory }: Capabilities): DeviceProfile {
  const { referenceCores, ...fitted } = profile;
  const factor = referenceCores === undefined ? 1 : cpu.cores / referenceCores;
  // Browsers may keep their memory secret, which arrives as 0.
  const roomBytes = memory.totalBytes === 0 ? Number.POSITIVE_INFINITY : Math.floor(memory.totalBytes * MODEL_MEMORY_SHARE);
  return {
    ...fitted,
    memoryBudgetBytes: Math.max(1, Math.min(profile.memoryBudgetBytes, roomBytes)),
    powerModel: scalePower(profile.powerModel, factor),
    ...(profile.pricePerHourUsd === undefined
      ? {}
      : { pricePerHourUsd: { ...profile.pricePerHourUsd, value: profile.pricePerHourUsd.value * factor } }),
  };
}
