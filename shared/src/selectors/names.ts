import type { NumberField, SelectorType, TextField } from './selector.ts';

/** A name that may stand in a selector, and what it means: for the parser, completion and documentation alike. */
export interface SelectorName {
  name: string;
  type: SelectorType;
  /** What to show people. */
  describes: string;
  example: string;
  /** All that it can be, where that is known beforehand. */
  values?: readonly string[];
}

const textNames = {
  id: { type: 'text', describes: 'id of the device', example: 'id == "k3m…"' },
  name: { type: 'text', describes: 'name of the device', example: 'name.startsWith("gate-")' },
  profile: { type: 'text', describes: 'device profile', example: 'profile == "raspberry-pi-5"' },
  status: {
    type: 'text',
    describes: 'whether it was let in',
    example: 'status == "active"',
    values: ['pending', 'active', 'revoked'],
  },
  agentVersion: { type: 'version', describes: 'version of its agent, compared as a version', example: 'agentVersion >= "1.4"' },
  release: { type: 'text', describes: 'name of the release that it should run; empty without one', example: 'release == "read-signs-2"' },
  arch: { type: 'text', describes: 'processor architecture', example: 'arch == "arm64"' },
} as const satisfies Record<TextField, Omit<SelectorName, 'name'>>;

const numberNames = {
  cores: { type: 'number', describes: 'logical processor cores', example: 'cores >= 4' },
  memoryMebibytes: { type: 'number', describes: 'memory in MiB', example: 'memoryMebibytes >= 4 * 1024' },
} as const satisfies Record<NumberField, Omit<SelectorName, 'name'>>;

const otherNames: readonly SelectorName[] = [
  { name: 'online', type: 'boolean', describes: 'whether it is connected', example: '!online' },
  { name: 'labels', type: 'labels', describes: 'labels by name; one that is not there is empty', example: 'labels.floor == "2"' },
  { name: 'site', type: 'text', describes: 'short for labels.site', example: 'site in ["north", "south"]' },
  { name: 'area', type: 'text', describes: 'short for labels.area', example: 'area == "europe"' },
  { name: 'providers', type: 'list', describes: 'execution providers that really ran', example: '"cuda" in providers' },
];

/** Every name, in the order in which people think of them. */
export const selectorNames: readonly SelectorName[] = [
  ...Object.entries(textNames).map(([name, rest]) => ({ name, ...rest })),
  ...otherNames,
  ...Object.entries(numberNames).map(([name, rest]) => ({ name, ...rest })),
];

/** Names that stand for a label. */
export const labelNames: ReadonlySet<string> = new Set(['site', 'area']);

export function isTextField(name: string): name is TextField {
  return Object.hasOwn(textNames, name);
}

export function isNumberField(name: string): name is NumberField {
  return Object.hasOwn(numberNames, name);
}

/** What a text field can be, where that is known beforehand. */
export function valuesOfField(field: TextField): readonly string[] | undefined {
  return selectorNames.find(({ name }) => name === field)?.values;
}
