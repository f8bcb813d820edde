import { problemsByField } from '@starling/shared';
import { stringify } from 'yaml';
import type { z } from 'zod';

/** A number, or the words themselves: the schema then says what is wrong with them. */
export function numberOf(text: string): number {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? (text as unknown as number) : value;
}

export function isFilled(text: string): boolean {
  return text.trim() !== '';
}

/** What a form says as YAML, which `starling ... create -f` reads. */
export function specText(spec: unknown): string {
  return stringify(spec, { lineWidth: 0 });
}

/** What is wrong with what was typed, by field. @param required text by field, of which nothing is said but that it is missing where it is */
export function problemsOfText(error: z.ZodError, required: Readonly<Record<string, string>>): Map<string, string> {
  const missing = Object.entries(required).filter(([, text]) => text === '');
  return new Map([...problemsByField(error), ...missing.map(([field]): [string, string] => [field, 'This is missing'])]);
}
