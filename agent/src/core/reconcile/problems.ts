import { artefactFiles, isStarlingError, messageOf, type Problem, type RefusedArtefact, StarlingError } from '@starling/shared';
import type { BlobStore } from '../ports/blob-store.ts';
import type { SelfTestReport } from '../ports/runtime-host.ts';
import type { ReleaseDocuments } from './documents.ts';

export function selfTestFailed({ models }: SelfTestReport): StarlingError {
  const failures = Object.entries(models).filter(([, verdict]) => !verdict.passed);
  const why = failures.map(([model, verdict]) => `${model}: ${verdict.reason ?? 'wrong outputs'}`).join('; ');
  return new StarlingError('self-test-failed', `the golden outputs do not come out here: ${why}`, {
    hint: 'build another artefact for this device',
  });
}

/** Every artefact of some model was refused: it says again what spoke against the last one. */
export function noneLeft(refused: readonly RefusedArtefact[]): StarlingError {
  const last = refused.findLast(({ instead }) => instead === null);
  const { code = 'refused', reason = '', model = '' } = last ?? {};
  return new StarlingError(code, `no artefact of ${model} is left to run here: ${reason}`, {
    field: model,
    hint: 'build another artefact for this device',
    retryable: false,
  });
}

/** Attack, or a bad disk: a bit flipped at rest. What is loaded is what was verified. */
export async function requireWhole(documents: ReleaseDocuments, store: BlobStore): Promise<void> {
  for (const { version, artefact } of documents.models) {
    for (const digest of [...artefactFiles(artefact), ...version.assets].map((file) => file.digest)) {
      if (!(await store.verify(digest)))
        throw new StarlingError('digest-mismatch', `${version.name} on this disk is not what it was`, { field: version.name });
    }
  }
}

export function problemOf(cause: unknown): Problem {
  if (!isStarlingError(cause)) return { code: 'reconcile-failed', message: messageOf(cause) };
  const { code, message, field, hint } = cause;
  return { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}

/** A signature that does not hold will not hold in a second either; everything of the outer world may get better. */
export function isRetryable(cause: unknown): boolean {
  return !isStarlingError(cause) || cause.retryable || !final.has(cause.code);
}

const final: ReadonlySet<string> = new Set([
  'agent-too-old',
  'bad-signature',
  'digest-mismatch',
  'malformed-document',
  'self-test-failed',
  'probation-failed',
  'unknown-critical',
  'unknown-key',
  'wrong-fleet',
  'wrong-kind',
  'provider-refused',
]);
