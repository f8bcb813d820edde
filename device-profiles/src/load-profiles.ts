import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DeviceProfile, deviceProfileSchema, messageOf, StarlingError } from '@starling/shared';
import { parse } from 'yaml';

const SHIPPED = fileURLToPath(new URL('../profiles', import.meta.url));
const ENDING = '.yaml';

/**
 * Reads all profiles of a folder, one YAML file each, or of one compiled JSON file (`npm run compile`).
 * @param path folder or JSON file; the shipped profiles by default
 * @returns sorted by name, whatever the file system's order
 * @throws StarlingError `invalid-profile`, whose message names the file and the field, or `no-profiles` if there is none
 */
export function loadProfiles(path: string = SHIPPED): DeviceProfile[] {
  const profiles = path.endsWith('.json') ? readCompiled(path) : readFolder(path);
  if (profiles.length === 0) {
    throw new StarlingError('no-profiles', `there is no device profile in ${path}`, {
      field: path,
      hint: `put one there as NAME${ENDING}`,
    });
  }
  profiles.sort((a, b) => (a.name < b.name ? -1 : 1));
  const twice = profiles.find((profile, index) => profile.name === profiles[index + 1]?.name);
  if (twice !== undefined) throw invalid(basename(path), 'name', `two profiles have the name ${twice.name}`);
  return profiles;
}

function readFolder(folder: string): DeviceProfile[] {
  return attempt(folder, () => readdirSync(folder))
    .filter((file) => file.endsWith(ENDING))
    .map((file) =>
      parseProfile(
        attempt(file, () => readFileSync(join(folder, file), 'utf8')),
        file,
      ),
    );
}

function readCompiled(path: string): DeviceProfile[] {
  const file = basename(path);
  const value: unknown = attempt(file, () => JSON.parse(readFileSync(path, 'utf8')));
  if (!Array.isArray(value)) throw invalid(file, '', 'a compiled file is a list of profiles');
  return value.map((entry: unknown, index) => check(entry, `${file}[${index}]`));
}

/** @param file named in errors; without its ending it must be the name of the profile */
function parseProfile(text: string, file: string): DeviceProfile {
  const profile = check(
    attempt(file, () => parse(text)),
    file,
  );
  if (profile.name === basename(file, ENDING)) return profile;
  throw invalid(file, 'name', `the file holds the profile ${profile.name}: name the file as the profile, so that no two have one name`);
}

function check(value: unknown, file: string): DeviceProfile {
  const result = deviceProfileSchema.safeParse(value);
  if (result.success) return result.data;
  const [first, ...others] = result.error.issues;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  throw invalid(file, first?.path.join('.') ?? '', `${first?.message ?? 'invalid'}${more}`);
}

function attempt<Value>(file: string, act: () => Value): Value {
  try {
    return act();
  } catch (cause) {
    throw new StarlingError('invalid-profile', `${file}: ${messageOf(cause)}`, { field: file, cause });
  }
}

function invalid(file: string, field: string, problem: string): StarlingError {
  return new StarlingError('invalid-profile', `${file}: ${field === '' ? '' : `${field}: `}${problem}`, {
    field: field === '' ? file : `${file}:${field}`,
    hint: 'docs/guides/device-profiles.md says what each field means',
  });
}
