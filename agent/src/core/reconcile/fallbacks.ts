import type { Assignment, RefusedArtefact } from '@starling/shared';

interface Refusal {
  provider: string;
  code?: string | undefined;
  reason?: string | undefined;
}

export interface Substitution {
  /** What is to run: the first artefact of each model that is not refused; undefined if a model has none left. */
  assignment: Assignment | undefined;
  /** Artefacts that were passed over, with what runs instead. */
  refused: RefusedArtefact[];
}

/** Replaces refused artefacts by the runners-up that the desired state names, in their order. */
export function substitute(assignment: Assignment, refusalOf: (artefact: string) => Refusal | undefined): Substitution {
  const artefacts: Record<string, string> = {};
  const refused: RefusedArtefact[] = [];
  let isWhole = true;
  for (const [model, chosen] of Object.entries(assignment.artefacts)) {
    const candidates = [chosen, ...(assignment.fallbacks?.[model] ?? [])];
    const instead = candidates.find((artefact) => refusalOf(artefact) === undefined);
    if (instead === undefined) isWhole = false;
    else artefacts[model] = instead;
    for (const artefact of candidates.slice(0, instead === undefined ? candidates.length : candidates.indexOf(instead))) {
      const { provider = '', code = 'refused', reason = '' } = refusalOf(artefact) ?? {};
      refused.push({ model, artefact, provider, code, reason, instead: instead ?? null });
    }
  }
  return { assignment: isWhole ? { ...assignment, artefacts } : undefined, refused };
}

/** The model that could not be loaded, where the error names one. */
export function modelOfLoadError(field: string | undefined): string | undefined {
  return /^models\.(.+)$/.exec(field ?? '')?.[1];
}
