import { isStarlingError } from '@starling/shared';
import { useState } from 'react';

/** What an input of a form says of itself, beside its value. */
export interface FieldState {
  error: string | undefined;
  onBlur: () => void;
}

export interface FieldProblems {
  at(field: string): FieldState;
  /** What is wrong with all of it is shown from now on. */
  ask(): void;
}

/**
 * Says what is wrong with a field once somebody has left it, or wanted to go on.
 * @param problems by field, as found here
 * @param refused what the fleet says of all of it, with the field that it means
 */
export function useFieldProblems(problems: ReadonlyMap<string, string>, refused: unknown): FieldProblems {
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [isAsked, setAsked] = useState(false);
  const told = problems.size === 0 && isStarlingError(refused) ? refused : undefined;
  return {
    at: (field) => ({
      error:
        isAsked || left.has(field) || told !== undefined
          ? (problemAt(field, problems) ?? (told?.field === field ? told.message : undefined))
          : undefined,
      onBlur: () => setLeft((before) => (before.has(field) ? before : new Set(before).add(field))),
    }),
    ask: () => setAsked(true),
  };
}

/** Of the field itself, or of something in it, which has no input of its own. */
function problemAt(field: string, problems: ReadonlyMap<string, string>): string | undefined {
  const own = problems.get(field);
  if (own !== undefined || field === 'challengers') return own;
  return [...problems].find(([name]) => name.startsWith(`${field}.`))?.[1];
}
