/** Desired state, what runs now -> a plan of small steps -> documents verified, blobs pulled, a release tested, run and kept. */
export { fetchArtefact, fetchDocuments, type ReleaseDocuments, type VerifiedArtefact } from './documents.ts';
export { requireFreeDisk } from './installer.ts';
export { createReconciler, type Reconciler, type Target } from './loop.ts';
export { type Actual, ATTEMPTS_MAXIMUM, loadKey, planSteps, retryDelayMs, sameAssignment } from './plan.ts';
export type { Step, StepKind } from './steps.ts';
