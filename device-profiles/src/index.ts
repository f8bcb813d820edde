/** Hardware classes in YAML, capabilities of a device -> the class it belongs to, and why. */
export { loadProfiles } from './load-profiles.ts';
export { matchProfile, type ProfileMatch } from './match-profile.ts';
