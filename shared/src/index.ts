/** Schemas, wire table, signing, digests, limits and graph checks -> imported by the agent, the fleet, the dashboard and the tests. */
export * from './codec/cbor.ts';
export * from './codec/chunk-frame.ts';
export * from './codec/dataset-archive.ts';
export * from './codec/edge-summary.ts';
export * from './codec/edge-value.ts';
export * from './codec/port-value.ts';
export * from './digest.ts';
export * from './documents/agent-build.ts';
export * from './documents/analysis.ts';
export * from './documents/analysis-measures.ts';
export * from './documents/artefact.ts';
export * from './documents/assign-arm.ts';
export * from './documents/blob-manifest.ts';
export * from './documents/build-recipe.ts';
export * from './documents/capabilities.ts';
export * from './documents/desired-state.ts';
export * from './documents/device-profile.ts';
export * from './documents/duration.ts';
export * from './documents/epoch.ts';
export * from './documents/experiment.ts';
export * from './documents/golden-set.ts';
export * from './documents/model-version.ts';
export * from './documents/objective.ts';
export * from './documents/pipeline.ts';
export * from './documents/release.ts';
export * from './documents/reported-state.ts';
export * from './documents/rollout.ts';
export * from './documents/trust-root.ts';
export { isStarlingError, messageOf, StarlingError, type StarlingErrorDetails } from './errors.ts';
export * from './evaluation/evaluator-messages.ts';
export * from './graph/check/index.ts';
export * from './graph/expand.ts';
export * from './graph/expression-values.ts';
export {
  checkExpression,
  compileExpression,
  type Expression,
  type ExpressionOptions,
  type ExpressionProblem,
} from './graph/expressions.ts';
export { wordsOfIssue } from './graph/issue-words.ts';
export { nearestName, suggest } from './graph/nearest-name.ts';
export * from './graph/operators/index.ts';
export * from './graph/parameters.ts';
export * from './graph/parts-of-pipeline.ts';
export { pipelineJsonSchema } from './graph/pipeline-json-schema.ts';
export * from './graph/port-types.ts';
export type * from './graph/problem.ts';
export * from './graph/signature.ts';
export * from './graph/sinks/index.ts';
export * from './graph/sources/index.ts';
export * from './graph/split.ts';
export * from './graph/tensor-types.ts';
export * from './graph/topology.ts';

export * from './graph/values.ts';
export * from './http/agent-builds.ts';
export * from './http/analyses.ts';
export * from './http/api.ts';
export * from './http/builds.ts';
export * from './http/bulk.ts';
export * from './http/callers.ts';
export * from './http/captures.ts';
export * from './http/catalogue.ts';
export * from './http/choices.ts';
export { type ApiClient, type CallOptions, type ClientOptions, createApiClient, type FetchLike } from './http/client.ts';
export * from './http/command-batches.ts';
export * from './http/commands.ts';
export * from './http/device-access.ts';
export * from './http/devices.ts';
export * from './http/endpoint.ts';
export * from './http/experiments.ts';
export * from './http/feedback.ts';
export * from './http/files.ts';
export * from './http/fleet.ts';
export * from './http/fleet-map.ts';
export * from './http/groups.ts';
export * from './http/labels.ts';
export * from './http/measuring.ts';
export * from './http/operators.ts';
export * from './http/paging.ts';
export * from './http/people.ts';
export * from './http/placement.ts';
export * from './http/rollouts.ts';
export {
  type Area,
  changesSomething,
  coversScope,
  neededScope,
  type Scope,
  scopeSchema,
} from './http/scopes.ts';
export * from './http/taps.ts';
export * from './http/telemetry.ts';
export * from './ids.ts';
export * from './install-retry.ts';
export * from './limits.ts';
export * from './log-line.ts';
export * from './selectors/index.ts';
export * from './sketches/divergence.ts';
export * from './sketches/histogram.ts';
export {
  generatePrivateKey,
  keyIdOf,
  type PrivateKey,
  privateKeySchema,
  publicKeyOf,
  type SignedKind,
  type Signer,
  type SigningKey,
  signDocument,
  signerOf,
  signerOver,
  signRoot,
  typOf,
} from './trust/sign.ts';
export * from './trust/verify-desired-state.ts';
export { type TrustError, type TrustErrorCode, verifyDocument } from './trust/verify-document.ts';
export { verifyEpoch } from './trust/verify-epoch.ts';
export { requireFresh, rootDigest, verifyNextRoot, verifyPinnedRoot } from './trust/verify-root.ts';
export * from './wire/blob-transfer.ts';
export * from './wire/capture.ts';
export * from './wire/command.ts';
export * from './wire/command-arguments.ts';
export * from './wire/hello.ts';
export * from './wire/operator.ts';
export * from './wire/registry.ts';
export * from './wire/result-id.ts';
export * from './wire/stream.ts';
export * from './wire/tap.ts';
export * from './wire/telemetry.ts';
export * from './wire/topics.ts';
export * from './wire/trace-context.ts';
export * from './wire/upload.ts';
