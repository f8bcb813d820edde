/** A release and a device -> the artefact of each model, with the reason -> a signed desired state for that device. */
export type { DesiredLink } from './announce.ts';
export type { SharedChoice } from './assign-many.ts';
export type { ManyChosen } from './choose-many.ts';
export { createDesiredStates, type DesiredStates } from './desired-states.ts';
export { joinExperiment, leaveExperiment, shareExperiment } from './experiment-store.ts';
export type { ComingReleases } from './helps.ts';
export type { Role } from './placement.ts';
export { countByRelease, forgetDesired, releasesOnProfiles } from './store.ts';
