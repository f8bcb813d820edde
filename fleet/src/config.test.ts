import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test.each([
  [['--insecure'], true],
  [['--insecure', '--http-port', '0'], true],
  [['--insecure', 'true'], true],
  [['--insecure=false'], false],
  [[], false],
])('plain ports are open to all only when it is said (%j)', (argv, insecure) => {
  expect(readConfig(argv, {}).insecure).toBe(insecure);
});

test.each([
  [['--nonsense'], undefined],
  [['--http-port', 'x'], 'httpPort'],
  [['--insecure', 'perhaps'], 'insecure'],
])('a setting that is none (%j) is named', (argv, field) => {
  expect(() => readConfig(argv, {})).toThrow(
    expect.objectContaining({ code: 'invalid-config', ...(field === undefined ? {} : { field }) }),
  );
});
