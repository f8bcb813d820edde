/** Claim tokens and device keys -> enrolled devices with profile and presence -> short-lived broker logins. */

export { createDeviceAccess, type DeviceAccess } from './access.ts';
export { type ClaimTokens, createClaimTokens } from './claim-tokens.ts';
export { createDevices, type DeviceFilter, type DeviceRow, type Devices, type ProfileMatcher, toDeviceView } from './devices.ts';
export { secretDigest } from './secrets.ts';
