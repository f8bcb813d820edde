import { stringify } from 'yaml';

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
