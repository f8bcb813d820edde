/** As many characters of its id as tell one browser from the next in a list; a hundred alike share them once in 200,000 times. */
const SUFFIX_LENGTH = 6;
/** Systems as people write them, where that is not a capital alone. */
const SYSTEMS: Readonly<Record<string, string>> = {
  macos: 'macOS',
  'mac os': 'macOS',
  iphone: 'iPhone',
  ipad: 'iPad',
  'chrome os': 'ChromeOS',
};

/** What a browser is, in words: no browser tells the name of its machine. @param os in lower case */
export function browserWords({ name, os, mobile }: { name: string; os: string; mobile: boolean }): string {
  const system = SYSTEMS[os] ?? `${os.slice(0, 1).toUpperCase()}${os.slice(1)}`;
  return `${name} on ${system}${mobile ? ' (phone)' : ''}`;
}

/** The name by which a browser enrols. Many are alike, so it ends as its id begins. */
export function deviceNameOf(words: string, device: string): string {
  return `${words} ${device.slice(0, SUFFIX_LENGTH)}`.trim();
}
