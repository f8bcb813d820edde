/** A pipeline version and pinned models, with policies -> a signed, digest-addressed release -> what devices may fetch for it. */

export type { ReleasePlan } from './release-plan.ts';
export { createReleases, type Releases } from './releases.ts';
export { missingBytes, type Weight, weigh } from './weigh.ts';
