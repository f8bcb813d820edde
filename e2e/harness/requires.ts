/** Programs that a test needs from the machine -> the suite, or a skip with the reason in its name, or a failure in CI. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';

/** Where each program hides: names on the path, and folders that Debian leaves off it. */
const PROGRAMS = {
  curl: { names: ['curl'], folders: () => [] },
  chromium: { names: ['chromium', 'chromium-browser', 'google-chrome'], folders: () => [] },
  firefox: { names: ['firefox-esr', 'firefox'], folders: () => [] },
  faketime: { names: ['faketime'], folders: () => [] },
  ffmpeg: { names: ['ffmpeg'], folders: () => [] },
  ip: { names: ['ip'], folders: () => ['/usr/sbin', '/sbin'] },
  mosquitto: { names: ['mosquitto'], folders: () => ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'] },
  mosquitto_pub: { names: ['mosquitto_pub'], folders: () => [] },
  openssl: { names: ['openssl'], folders: () => [] },
  postgres: { names: ['postgres'], folders: debianPostgresFolders },
  'rabbitmq-server': { names: ['rabbitmq-server'], folders: () => ['/usr/sbin'] },
  'systemd-analyze': { names: ['systemd-analyze'], folders: () => [] },
} satisfies Record<string, { names: string[]; folders: () => string[] }>;

export type Program = keyof typeof PROGRAMS;

/** Absolute path of each program asked for. */
export type ProgramPaths<Needed extends Program> = Record<Needed, string>;

/** Absolute path of a program, or undefined where the machine lacks it. */
export function findProgram(program: Program): string | undefined {
  const { names, folders } = PROGRAMS[program];
  const places = [...folders(), ...(process.env.PATH ?? '').split(':')].filter((folder) => folder !== '');
  return places.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

/**
 * A suite that needs programs. Where one is missing, the suite is skipped and its name says why; with STARLING_REQUIRE_ALL=1, as in
 * CI, a missing program is a failure, so that a suite cannot vanish unseen.
 */
export function describeWith<Needed extends Program>(programs: Needed[], name: string, body: (paths: ProgramPaths<Needed>) => void): void {
  const found = programs.map((program) => [program, findProgram(program)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([program]) => program);
  const paths = Object.fromEntries(found.map(([program, path]) => [program, path ?? program])) as ProgramPaths<Needed>;
  switch (missing.length === 0 ? 'run' : verdictOnMissing(process.env.STARLING_REQUIRE_ALL)) {
    case 'run':
      return void describe(name, () => body(paths));
    case 'skip':
      return void describe.skipIf(true)(`${name} [skipped: this machine has no ${missing.join(', ')}]`, () => body(paths));
    case 'fail':
      return void describe(name, () => {
        test(`finds ${missing.join(', ')}`, () => {
          throw new Error(`STARLING_REQUIRE_ALL=1, and this machine has no ${missing.join(', ')}`);
        });
      });
  }
}

/** @param requireAll the value of STARLING_REQUIRE_ALL */
export function verdictOnMissing(requireAll: string | undefined): 'skip' | 'fail' {
  return requireAll === '1' ? 'fail' : 'skip';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian keeps each version's programs apart; the newest comes first. */
function debianPostgresFolders(): string[] {
  const parent = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(parent).toSorted((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(parent, version, 'bin'));
  } catch {
    return [];
  }
}
