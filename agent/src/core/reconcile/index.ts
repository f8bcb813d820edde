/** Desired state, what runs now -> a plan of small steps -> documents verified, blobs pulled, a release tested, run and kept. */
export { type Challengers, createChallengers } from './challengers.ts';
export { fetchArtefact, fetchDocuments, type ReleaseDocuments, type VerifiedArtefact } from './documents.ts';
export { createHelping, type Helping } from './helping.ts';
export { requireFreeDisk } from './installer.ts';
export type { Keeper } from './keeper.ts';
export { createReconciler } from './loop.ts';
export { type Actual, loadKey, planSteps, sameAssignment } from './plan.ts';
export type { ReconcilePorts, Reconciler, Target } from './reconciler.ts';
export type { Step, StepKind } from './steps.ts';
export { type NewVerdict, openVerdicts, type Verdicts } from './verdicts.ts';
