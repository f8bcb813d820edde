import type { Assignment } from '@starling/shared';
import type { MemoryNeed } from './installer.ts';
import type { ReconcilePorts } from './reconciler.ts';
import type { NewVerdict, Verdicts } from './verdicts.ts';

interface Refusal {
  provider: string;
  code?: string | undefined;
  reason?: string | undefined;
}

/** What speaks against artefacts here: verdicts, which stay, and a memory that was too small, which is forgotten with each new try. */
export interface Refusals {
  /** Undefined if nothing speaks against it. */
  of(artefact: string): Refusal | undefined;
  /**
   * Lets the model that needs most memory, of those that have a runner-up left, give way to it.
   * @returns what gave way, if that was not said before
   */
  giveWay(wanted: Assignment, needs: readonly MemoryNeed[], reason: string): { model: string; artefact: string } | undefined;
  forgetMemory(): void;
}

export function createRefusals(verdicts: Pick<Verdicts, 'refusal'>): Refusals {
  const tooLarge = new Map<string, Refusal>();
  const told = new Set<string>();
  const of = (artefact: string): Refusal | undefined => verdicts.refusal(artefact) ?? tooLarge.get(artefact);
  return {
    of,
    giveWay(wanted, needs, reason) {
      const hasRunnerUp = ({ name, artefact }: MemoryNeed): boolean =>
        (wanted.fallbacks?.[name] ?? []).some((other) => other !== artefact && of(other) === undefined);
      const [largest] = needs.filter((need) => need.bytes > 0 && hasRunnerUp(need)).toSorted((one, other) => other.bytes - one.bytes);
      if (largest === undefined) return undefined;
      const { name: model, artefact } = largest;
      tooLarge.set(artefact, { provider: '', code: 'memory-low', reason });
      if (told.has(artefact)) return undefined;
      told.add(artefact);
      return { model, artefact };
    },
    forgetMemory: () => tooLarge.clear(),
  };
}

/** As an event, which goes to the fleet. */
export function sayRefused(onEvent: ReconcilePorts['onEvent'], refused: Omit<NewVerdict, 'passed' | 'maximumError'>, model?: string): void {
  const { artefact, provider, code, reason } = refused;
  const subject = `${model ?? 'an artefact'} (${artefact.slice(0, 12)})`;
  const detail = { model, artefact, provider, code, reason };
  onEvent('warning', 'artefact-refused', `${subject} is not run here: ${reason ?? code ?? 'refused'}`, detail);
}
