import { expect, test } from 'vitest';
import type { SelectorVocabulary } from '../http/groups.ts';
import { completeSelector } from './complete.ts';
import { checkSelector } from './parse-selector.ts';

const vocabulary: SelectorVocabulary = {
  labels: { site: ['north', 'south'], 'rack/row': ['7'], floor: ['1', '2'] },
  profiles: ['raspberry-pi-5', 'linux-x64'],
  releases: ['read-signs-1'],
  agentVersions: ['1.4.0'],
  architectures: ['arm64'],
  providers: ['cpu', 'cuda'],
  groups: ['kitchen'],
};
/** `|` is the cursor. @returns the text after each offer was taken */
const offers = (marked: string): string[] => {
  const cursor = marked.indexOf('|');
  const text = marked.replace('|', '');
  const { from, to, items } = completeSelector(text, cursor, vocabulary);
  return items.map(({ insert }) => text.slice(0, from) + insert + text.slice(to));
};

test.each<[string, string[]]>([
  ['si|', ['site']],
  ['!on|', ['!online']],
  ['online && pro|', ['online && profile', 'online && providers']],
  ['gr|', ['group("']],
  ['group("ki|', ['group("kitchen"']],
  ['group("ki|")', ['group("kitchen")']],
  ['site == |', ['site == "north"', 'site == "south"']],
  ['site == "so|', ['site == "south"']],
  ['site == "so|" && online', ['site == "south" && online']],
  ['site in ["north", |', ['site in ["north", "north"', 'site in ["north", "south"']],
  ['labels.fl|', ['labels.floor']],
  ['labels.ra|', ['labels["rack/row"]']],
  ['labels["rack/row"] == |', ['labels["rack/row"] == "7"']],
  ['profile != "pi|', ['profile != "raspberry-pi-5"']],
  ['agentVersion >= |', ['agentVersion >= "1.4.0"']],
  ['status == "p|', ['status == "pending"']],
  ['"cu|', ['"cuda" in providers']],
  ['name == "|', []],
  ['!group("kitchen")|', []],
  ['site in ["north"]|', []],
  ['site == "north"|', []],
  ['online |', ['online && ', 'online || ']],
  ['site == "north" |', ['site == "north" && ', 'site == "north" || ']],
])('%s', (marked, expected) => {
  expect(offers(marked)).toEqual(expected);
});

test('where a condition begins every name is offered', () => {
  expect(offers('online && |')).toEqual(
    expect.arrayContaining(['online && id', 'online && site', 'online && memoryMebibytes', 'online && group("']),
  );
});

test('every finished offer is a selector', () => {
  for (const marked of ['group("|")', 'site == |', 'labels["rack/row"] == |', '"c|', 'arch in [|]'])
    for (const text of offers(marked)) expect(checkSelector(text), text).toBeUndefined();
});
