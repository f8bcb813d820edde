/** Installed releases and encoded inputs -> results, windows of telemetry: the inside of the runtime host, on any runtime. */

export { type EvaluatedItem, type Evaluation, type EvaluationPlan, openEvaluation } from './evaluation.ts';
export type { ReferenceStore } from './reference-store.ts';
export { createRuntime, type Runtime, type RuntimePorts } from './runtime.ts';
