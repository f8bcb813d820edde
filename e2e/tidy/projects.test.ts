import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compilerPath, findProjects } from './projects.ts';
import { isTypeScript, readSourceFiles } from './source-file.ts';
import { repositoryRoot } from './steps.ts';

/** What the compiler prints; an exit status other than 0 is part of the answer here. */
function compile(...options: string[]): string {
  try {
    return execFileSync(process.execPath, [compilerPath, ...options], { cwd: repositoryRoot, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
  } catch (error) {
    return String((error as { stdout: string }).stdout);
  }
}

test('every TypeScript file belongs to a project', () => {
  const listed = findProjects().flatMap((project) => compile('--project', project, '--listFilesOnly').split('\n'));
  const checked = new Set(listed.map((path) => relative(repositoryRoot, path.trim())));
  const forgotten = readSourceFiles(repositoryRoot)
    .filter((file) => isTypeScript(file) && !checked.has(file.path))
    .map((file) => file.path);
  expect(forgotten).toEqual([]);
});

describe.each(['shared', 'agent/src/core'])('portable code in %s', (folder) => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'starling-portable-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function errorsOf(text: string): string {
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    writeFileSync(join(directory, 'planted.ts'), text);
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        extends: join(repositoryRoot, folder, 'tsconfig.json'),
        include: [join(directory, 'planted.ts'), join(repositoryRoot, 'shared/src/portable-globals.d.ts')],
        exclude: [],
      }),
    );
    return compile('--project', directory, '--pretty', 'false');
  }

  test('may use what Node and browsers share', () => {
    expect(errorsOf("export const bytes = new TextEncoder().encode('x');\nexport const stop = new AbortController().signal;")).toBe('');
  });

  const unknownName = /TS(2304|2580|2584|2591)/;

  test.each([
    ['a timer', 'setTimeout(() => undefined, 1);', unknownName],
    ['the process', 'export const cwd = process.cwd();', unknownName],
    ['a Buffer', "export const bytes = Buffer.from('');", unknownName],
    ['the document', 'export const title = document.title;', unknownName],
    ['the window', 'export const wide = window.innerWidth;', unknownName],
    ['the console', "console.log('');", unknownName],
    ['a builtin', "import { readFile } from 'node:fs/promises';\nexport const read = readFile;", /TS(2307|2591)/],
    ['an enum', 'export enum Kind { One }', /TS1294/],
    ['an unchecked index', 'const list: string[] = [];\nexport const first: string = list[0];', /TS2322/],
  ])('may not use %s', (_name, text, code) => {
    expect(errorsOf(text)).toMatch(code);
  });
});
