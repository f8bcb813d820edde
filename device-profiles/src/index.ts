/** Hardware classes in YAML, capabilities of a device -> the class it belongs to and why, fitted to the size of the device. */
export { fitProfile } from './fit-profile.ts';
export { loadProfiles } from './load-profiles.ts';
export { matchProfile, type ProfileMatch } from './match-profile.ts';
export { scalePower } from './power-model.ts';
