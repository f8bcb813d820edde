/** Claim tokens and device keys -> enrolled devices with profile and presence -> short-lived broker logins. */

export { createDeviceAccess, type DeviceAccess } from './access.ts';
export { createDeviceBulk, type DeviceBulk } from './bulk.ts';
export { countSelected, selectSites, selectVocabulary } from './bulk-store.ts';
export { type ClaimTokens, createClaimTokens } from './claim-tokens.ts';
export { CSV_BYTES_MAXIMUM } from './device-csv.ts';
export { createDevices, type Devices, toDeviceView } from './devices.ts';
export { createNonces, createSharedNonces, type Nonces } from './nonces.ts';
export { createSimulatedRemoval, type SimulatedRemoval } from './removal.ts';
export { secretDigest } from './secrets.ts';
export { selectorWhere } from './select-store.ts';
export { type DeviceFilter, type DeviceRow, devicesByIds, drawDevices } from './store.ts';
