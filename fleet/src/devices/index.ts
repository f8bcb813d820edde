/** Claim tokens and device keys -> enrolled devices with profile and presence -> short-lived broker logins. */

export { createDeviceAccess, type DeviceAccess } from './access.ts';
export { type ClaimTokens, createClaimTokens } from './claim-tokens.ts';
export { createDevices, type Devices, toDeviceView } from './devices.ts';
export { secretDigest } from './secrets.ts';
export { type DeviceFilter, type DeviceRow, devicesByIds, drawDevices } from './store.ts';
