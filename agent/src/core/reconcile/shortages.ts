import type { Assignment } from '@starling/shared';
import type { MemoryNeed } from './installer.ts';

/** Artefacts that did not fit into the memory when it was last asked. Unlike a verdict, that is forgotten with each new try. */
export interface Shortages {
  refusal(artefact: string): { provider: string; code: string; reason: string } | undefined;
  /**
   * Lets the model that needs most, of those that have a runner-up left, give way to it.
   * @returns what gave way, and whether that was not said before; undefined if there is none
   */
  giveWay(shortage: Shortage): { model: string; artefact: string; isNews: boolean } | undefined;
  forget(): void;
}

interface Shortage {
  wanted: Assignment;
  /** What the models would add to the memory; empty entries cost nothing. */
  needs: readonly MemoryNeed[];
  reason: string;
  /** What speaks against an artefact already. */
  refusal(artefact: string): unknown;
}

export function createShortages(): Shortages {
  const reasons = new Map<string, string>();
  const told = new Set<string>();
  return {
    refusal(artefact) {
      const reason = reasons.get(artefact);
      return reason === undefined ? undefined : { provider: '', code: 'memory-low', reason };
    },
    giveWay({ wanted, needs, reason, refusal }) {
      const hasRunnerUp = ({ name, artefact }: MemoryNeed): boolean =>
        (wanted.fallbacks?.[name] ?? []).some((other) => other !== artefact && refusal(other) === undefined);
      const [largest] = needs.filter((need) => need.bytes > 0 && hasRunnerUp(need)).toSorted((one, other) => other.bytes - one.bytes);
      if (largest === undefined) return undefined;
      const { name: model, artefact } = largest;
      reasons.set(artefact, reason);
      const isNews = !told.has(artefact);
      told.add(artefact);
      return { model, artefact, isNews };
    },
    forget: () => reasons.clear(),
  };
}
