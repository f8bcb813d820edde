import { isStarlingError } from '@starling/shared';
import { useState } from 'react';

/** What an input of a form has of its field: its label, what is wrong with it, and its place, by which the summary finds it. */
export interface FieldState {
  label: string;
  error: string | undefined;
  onBlur: () => void;
  'data-field': string;
}

export interface WrongField {
  /** Path in the schema, with dots between. */
  field: string;
  label: string;
  message: string;
}

export interface FieldProblems {
  /** An input that speaks for all that lies within its field. */
  at(field: string): FieldState;
  /** What is wrong with a field itself, where inputs of its own stand within. */
  own(field: string): string | undefined;
  /** All that is wrong, in the order of the schema; empty until somebody has asked. */
  wrong: readonly WrongField[];
  isRight: boolean;
  /** What is wrong with all of it is shown from now on. */
  ask(): void;
}

/**
 * Says what is wrong with a field once somebody has left it, or wanted to go on.
 * @param problems by field, as found here
 * @param refused what the fleet says of all of it, with the field that it means
 * @param labelOf what a field is called on screen
 */
export function useFieldProblems(
  problems: ReadonlyMap<string, string>,
  refused: unknown,
  labelOf: (field: string) => string,
): FieldProblems {
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [isAsked, setAsked] = useState(false);
  const told = problems.size === 0 && isStarlingError(refused) ? refused : undefined;
  const shown = (field: string, find: (field: string) => string | undefined): string | undefined =>
    isAsked || left.has(field) || told !== undefined ? (find(field) ?? (told?.field === field ? told.message : undefined)) : undefined;
  return {
    at: (field) => ({
      label: labelOf(field),
      error: shown(field, (each) => problemWithin(each, problems)),
      onBlur: () => setLeft((before) => (before.has(field) ? before : new Set(before).add(field))),
      'data-field': field,
    }),
    own: (field) => shown(field, (each) => problems.get(each)),
    wrong: isAsked ? [...problems].map(([field, message]) => ({ field, label: labelOf(field), message })) : [],
    isRight: problems.size === 0,
    ask: () => setAsked(true),
  };
}

/** Of the field itself, or of something in it, which has no input of its own. */
function problemWithin(field: string, problems: ReadonlyMap<string, string>): string | undefined {
  return problems.get(field) ?? [...problems].find(([name]) => name.startsWith(`${field}.`))?.[1];
}

/** The label of a field, or of what it lies in: the schema is finer than a form. */
export function labelIn(labels: Readonly<Record<string, string>>, field: string): string {
  for (let path = field; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
    const label = labels[path];
    if (label !== undefined) return label;
  }
  return field;
}
