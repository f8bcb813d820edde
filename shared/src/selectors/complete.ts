import type { SelectorVocabulary } from '../http/groups.ts';
import { labelNames, selectorNames } from './names.ts';

/** What may be written in place of a part of the text. */
export interface Completion {
  /** Part of the text that is replaced. */
  from: number;
  to: number;
  items: readonly CompletionItem[];
}

export interface CompletionItem {
  label: string;
  /** What it is, in a few words. */
  detail: string;
  insert: string;
}

const ITEMS_MAXIMUM = 20;
/** What goes on after a condition. */
const joiners: readonly CompletionItem[] = [
  { label: '&&', detail: 'and', insert: '&& ' },
  { label: '||', detail: 'or', insert: '|| ' },
];

/** What may stand at the cursor, best first; nothing where nothing is known. */
export function completeSelector(text: string, cursor: number, vocabulary: SelectorVocabulary): Completion {
  const before = text.slice(0, cursor);
  const value = /([A-Za-z][\w.]*|labels\["[^"]*"\])\s*(?:==|!=|>=|<=|>|<|in\s*\[(?:\s*"[^"]*"\s*,)*)\s*("?)([^"]*)$/.exec(before);
  if (value !== null) return values(value[1] ?? '', value[3] ?? '', value[2] === '"', { text, cursor, vocabulary });
  const call = /group\(\s*("?)([^")]*)$/.exec(before);
  if (call !== null) return quoted(vocabulary.groups, call[2] ?? '', call[1] === '"', { text, cursor }, 'group');
  const element = /(?:^|[\s(!&|])"([^"]*)$/.exec(before);
  if (element !== null) return elements(element[1] ?? '', { cursor, vocabulary });
  const label = /labels\.([\w]*)$/.exec(before);
  if (label !== null) return labels(label[1] ?? '', { cursor, vocabulary });
  if (/(?:["\])]|\b(?:online|true|false|\d+))\s+$/.test(before)) return { from: cursor, to: cursor, items: joiners };
  const word = /(?:^|[\s(!&|?:])([A-Za-z]*)$/.exec(before)?.[1];
  return word === undefined ? { from: cursor, to: cursor, items: [] } : words(word, cursor);
}

interface Place {
  text: string;
  cursor: number;
  vocabulary: SelectorVocabulary;
}

function values(name: string, typed: string, open: boolean, place: Place): Completion {
  const known = knownValues(name, place.vocabulary);
  return quoted(known, typed, open, place, name);
}

function knownValues(name: string, vocabulary: SelectorVocabulary): readonly string[] {
  const label = /^labels(?:\.(\w+)|\["([^"]*)"\])$/.exec(name);
  const labelName = labelNames.has(name) ? name : (label?.[1] ?? label?.[2]);
  if (labelName !== undefined) return Object.hasOwn(vocabulary.labels, labelName) ? (vocabulary.labels[labelName] ?? []) : [];
  switch (name) {
    case 'profile':
      return vocabulary.profiles;
    case 'release':
      return vocabulary.releases;
    case 'agentVersion':
      return vocabulary.agentVersions;
    case 'arch':
      return vocabulary.architectures;
    default:
      return selectorNames.find((each) => each.name === name)?.values ?? [];
  }
}

/** Texts between quotation marks, of which one may be there already. */
function quoted(
  known: readonly string[],
  typed: string,
  open: boolean,
  { text, cursor }: Pick<Place, 'text' | 'cursor'>,
  detail: string,
): Completion {
  const closes = open && text[cursor] === '"';
  const from = cursor - typed.length - (open ? 1 : 0);
  const items = matching(known, typed).map((each) => ({ label: each, detail, insert: JSON.stringify(each) }));
  return { from, to: closes ? cursor + 1 : cursor, items };
}

/** A text that begins a condition can only be asked to be in a list of the device. */
function elements(typed: string, { cursor, vocabulary }: Pick<Place, 'cursor' | 'vocabulary'>): Completion {
  const providers = matching(vocabulary.providers, typed).map((each) => ({
    label: each,
    detail: 'execution provider',
    insert: `${JSON.stringify(each)} in providers`,
  }));
  const labels = matching(Object.keys(vocabulary.labels), typed).map((each) => ({
    label: each,
    detail: 'label',
    insert: `${JSON.stringify(each)} in labels`,
  }));
  return { from: cursor - typed.length - 1, to: cursor, items: [...providers, ...labels].slice(0, ITEMS_MAXIMUM) };
}

function labels(typed: string, { cursor, vocabulary }: Pick<Place, 'cursor' | 'vocabulary'>): Completion {
  const items = matching(Object.keys(vocabulary.labels), typed).map((each) => ({
    label: each,
    detail: 'label',
    insert: /^[a-z_]\w*$/.test(each) ? `labels.${each}` : `labels[${JSON.stringify(each)}]`,
  }));
  return { from: cursor - typed.length - 'labels.'.length, to: cursor, items };
}

function words(typed: string, cursor: number): Completion {
  const names = selectorNames.map(({ name, type, describes }) => ({ label: name, detail: `${type}: ${describes}`, insert: name }));
  const functions = [
    { label: 'group("...")', detail: 'devices of a saved group', insert: 'group("' },
    { label: 'has(labels...)', detail: 'whether there is a label', insert: 'has(labels.' },
  ];
  const lower = typed.toLowerCase();
  const items = [...names, ...functions].filter(({ label }) => label.toLowerCase().startsWith(lower));
  return { from: cursor - typed.length, to: cursor, items };
}

/** Those that start as typed first, then those that hold it. */
function matching(known: readonly string[], typed: string): string[] {
  const lower = typed.toLowerCase();
  const starting = known.filter((each) => each.toLowerCase().startsWith(lower));
  const holding = known.filter((each) => !each.toLowerCase().startsWith(lower) && each.toLowerCase().includes(lower));
  return [...starting, ...holding].slice(0, ITEMS_MAXIMUM);
}
