import { describe, expect, test } from 'vitest';
import { matchesSelector } from './evaluate.ts';
import { checkSelector, parseSelector } from './parse-selector.ts';
import { resolveGroups } from './resolve-groups.ts';
import { type Condition, groupsOf, type SelectableDevice } from './selector.ts';

const gate: SelectableDevice = {
  id: 'k3mabcdefghijklmnopqrstuvw',
  name: 'gate-3',
  profile: 'raspberry-pi-5',
  status: 'active',
  online: true,
  agentVersion: '1.10.0',
  release: 'read-signs-2',
  labels: { site: 'north', 'rack/row': '7', floor: '' },
  arch: 'arm64',
  cores: 4,
  memoryMebibytes: 8063,
  providers: ['cpu', 'xnnpack'],
};
const says = (text: string, device = gate): boolean => matchesSelector(parseSelector(text).condition, device);

describe('a selector', () => {
  test.each<[string, boolean]>([
    ['true', true],
    ['site == "north"', true],
    ['site != "north"', false],
    ['"north" == labels.site', true],
    ['labels["rack/row"] in ["6", "7"]', true],
    ['area == ""', true],
    ['has(labels.area)', false],
    ['has(labels.floor)', true],
    ['"rack/row" in labels && !("shelf" in labels)', true],
    ['agentVersion >= "1.9"', true],
    ['agentVersion == "1.10"', true],
    ['agentVersion in ["1.9", "v1.10.0+7"]', true],
    ['agentVersion.startsWith("1.1")', true],
    ['"xnnpack" in providers', true],
    ['"cuda" in providers', false],
    ['cores >= 4 && memoryMebibytes < 8 * 1024', true],
    ['cores > 2 + 2 || online', true],
    ['-1 < cores', true],
    ['online == (site == "south")', false],
    ['online != (site == "south")', true],
    ['name.startsWith("gate-") ? cores == 4 : false', true],
    ['(online ? cores == 4 : true) == (site == "north")', true],
    ['(online ? online : true) != (site == "north" ? online : false)', false],
    ['release.contains("signs")', true],
    ['name.endsWith(labels["rack/row"])', false],
    ['profile in []', false],
    ['status == "active"', true],
    ['// of the first floor\nlabels.floor == ""', true],
  ])('%s', (text, expected) => {
    expect(says(text)).toBe(expected);
  });

  test.each<[string, string, number, number, string?]>([
    ['sitee == "x"', 'unknown name "sitee"', 0, 5, 'did you mean "site"?'],
    ['online && sitee == "x"', 'unknown name "sitee"', 10, 15, 'did you mean "site"?'],
    ['site = "x"', '"=" is not known', 5, 6, 'write =='],
    ['online and site == "x"', '"and" is not known', 7, 10, 'write &&'],
    ['site == "x" &&', 'the selector ends where more is expected', 14, 14],
    ['site == "x', 'a text has no end', 8, 10, 'close it with a quotation mark'],
    ['  ', 'the selector is empty', 0, 2, 'for all devices write true'],
    ['site', 'site says neither yes nor no', 0, 4, 'compare it: site == ...'],
    ['cores == "4"', 'cores is a number and "4" is text', 0, 12, 'compare cores with a number'],
    ['site == 4', '4 is a number and site is text', 0, 9, 'write "4" with quotation marks'],
    ['site > "a"', 'text has no order: > is for numbers and for agentVersion', 0, 10, 'use ==, !=, in or startsWith'],
    ['online > true', 'yes and no cannot be compared with >', 0, 13, 'use == or !='],
    ['agentVersion >= "newest"', '"newest" is no version', 16, 24],
    ['agentVersion == name', 'agentVersion is compared with a version', 16, 20],
    ['release == labels.wanted', 'release is compared with a name, not with another text of the device', 0, 24],
    ['name.startsWith(release)', 'release is compared with a name, not with another text of the device', 0, 24],
    ['release in labels', 'release is compared with a name, not with another text of the device', 0, 7],
    ['status == "actve"', 'status is never "actve"', 10, 17, 'did you mean "active"?'],
    ['status in ["active", "gone"]', 'status is never "gone"', 21, 27],
    ['labels.rack-row == "7"', 'a selector cannot subtract from a label', 0, 15, 'for the label "rack-row" write labels["rack-row"]'],
    ['labels.rackRow == "7"', 'no device has a label "rackRow"', 0, 14],
    ['labels == "7"', 'which label?', 0, 6],
    ['label.site == "7"', 'unknown name "label"', 0, 5, 'did you mean "labels"?'],
    ['name.first == "7"', 'name has no parts', 0, 10],
    ['site == null', 'nothing is null in a selector', 8, 12],
    ['name.matches("a+")', 'there is no function "matches"', 0, 18],
    ['name.startWith("a")', 'there is no function "startWith"', 0, 19, 'did you mean "startsWith"?'],
    ['name.startsWith("a", "b")', 'startsWith takes one text', 0, 25],
    ['cores.startsWith("a")', 'cores is a number, not text', 0, 5],
    ['providers.exists(p, p == "x")', 'there is no function "exists"', 0, 29, 'write "cuda" in providers'],
    ['providers.contains("x")', 'providers is no text', 0, 23, 'write "..." in providers'],
    ['site in area', 'area is no list', 8, 12],
    ['site in ["a", 3]', '3 is a number and site is text', 14, 15],
    ['has(site, area)', 'has asks for a label', 0, 15],
    ['group(name)', 'group takes the name of one group', 0, 11],
    ['grup("kitchen")', 'there is no function "grup"', 0, 15, 'did you mean "group"?'],
    ['group("kichen")', 'there is no group "kichen"', 6, 14, 'did you mean "kitchen"?'],
    ['cores / 2 == 1', 'a selector has no /', 0, 9],
    ['cores + 2 == 1', 'a selector computes with plain numbers alone', 0, 5],
    ['site == {"a": 1}', 'a selector has no maps', 8, 16],
    ['site == "\\u0000"', 'the text holds a character that no text of a device can have', 8, 16],
    ['site == b"ab"', 'b"ab" is neither text nor a number', 8, 13],
    ['(site == "a") == "b"', '"b" says neither yes nor no', 17, 20],
  ])('%s is refused with place and fix', (text, message, start, end, hint) => {
    const problem = checkSelector(text, { groups: ['kitchen', 'lab'] });
    expect(problem).toMatchObject({ message, range: { start, end } });
    if (hint !== undefined) expect(problem?.hint).toBe(hint);
  });

  test('is refused with what is wrong, where, and the whole text', () => {
    expect(() => parseSelector('sitee == "x"')).toThrow(
      expect.objectContaining({
        ...{ code: 'invalid-selector', field: 'select', hint: 'did you mean "site"?' },
        message: 'unknown name "sitee", at character 1 of "sitee == "x""',
      }),
    );
  });

  test('of more than it may have is refused', () => {
    expect(checkSelector(`site == "${'x'.repeat(2000)}"`)?.message).toContain('at most 2000 characters');
    expect(checkSelector(Array.from({ length: 200 }, () => 'online').join(' && '))?.message).toContain('256');
    expect(checkSelector(`${'('.repeat(500)}online${')'.repeat(500)}`)).toBeDefined();
  });
});

describe('groups in a selector', () => {
  const define = (groups: Record<string, string>): Map<string, Condition> =>
    new Map(Object.entries(groups).map(([name, text]) => [name, parseSelector(text).condition]));

  test('are put in, whatever the depth', () => {
    const definitions = define({ north: 'site == "north"', pis: 'profile == "raspberry-pi-5" && group("north")' });
    const { condition } = parseSelector('group("pis") && !group("lab") || group("pis")');
    expect(groupsOf(condition)).toEqual(['pis', 'lab']);
    const resolved = resolveGroups(condition, new Map([...definitions, ...define({ lab: 'site == "lab"' })]));
    expect(matchesSelector(resolved, gate)).toBe(true);
    expect(matchesSelector(resolved, { ...gate, labels: { site: 'lab' } })).toBe(false);
  });

  test('that use each other in a circle are refused', () => {
    const definitions = define({ a: 'group("b")', b: 'online || group("c")', c: '!group("a")' });
    expect(() => resolveGroups(parseSelector('group("a")').condition, definitions)).toThrow(
      expect.objectContaining({ code: 'group-circle', message: 'groups use each other in a circle: "a" uses "b" uses "c" uses "a"' }),
    );
  });

  test('that are not there are refused', () => {
    expect(() => resolveGroups(parseSelector('group("a")').condition, define({ b: 'true' }))).toThrow(
      expect.objectContaining({ code: 'unknown-group', field: 'select' }),
    );
  });

  test('that would grow without bound are refused before they do', () => {
    const groups = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`g${at}`, `group("g${at + 1}") == group("g${at + 1}")`]));
    expect(() => resolveGroups(parseSelector('group("g0")').condition, define({ ...groups, g40: 'online' }))).toThrow(
      expect.objectContaining({ code: 'selector-too-large' }),
    );
  });

  test('that were not looked up match nothing silently', () => {
    expect(() => says('group("a")')).toThrow(expect.objectContaining({ code: 'unresolved-group' }));
  });
});
