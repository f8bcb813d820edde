import { distance } from 'fastest-levenshtein';

/** What was most likely meant by a word that is unknown: a known one that is a few letters away. */
export function nearestName(word: string, known: Iterable<string>): string | undefined {
  let best: { name: string; letters: number } | undefined;
  for (const name of known) {
    // Of two that are equally near the one that starts alike: people rarely get the first letter wrong.
    const letters = distance(word.toLowerCase(), name.toLowerCase()) + (word[0] === name[0] ? 0 : 0.5);
    if (best === undefined || letters < best.letters) best = { name, letters };
  }
  return best !== undefined && best.letters <= Math.max(1, Math.floor(word.length / 2.5)) ? best.name : undefined;
}

/** The nearest name, or all of them: what to write in place of an unknown word. */
export function suggest(word: string, known: Iterable<string>, what: string): string {
  const names = [...known];
  const near = nearestName(word, names);
  if (near !== undefined) return `did you mean "${near}"?`;
  return names.length === 0 ? `there are no ${what}` : `${what}: ${names.join(', ')}`;
}
