import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DeviceProfile, deviceProfileSchema, messageOf, StarlingError } from '@starling/shared';
import { parse } from 'yaml';

const shipped = fileURLToPath(new URL('../profiles', import.meta.url));

/**
 * Reads all profiles of a directory.
 * @throws StarlingError `invalid-profile` that names the file and the field
 */
export function loadProfiles(directory: string = shipped): DeviceProfile[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  return files.sort().map((file) => parseProfile(readFileSync(join(directory, file), 'utf8'), file));
}

/** @param file named in errors; without its ending it has to be the profile's name */
export function parseProfile(text: string, file: string): DeviceProfile {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new StarlingError('invalid-profile', `${file} is no YAML: ${messageOf(cause)}`, { field: file, cause });
  }
  const profile = deviceProfileSchema.safeParse(value);
  if (!profile.success) {
    const issue = profile.error.issues[0];
    const field = issue?.path.join('.') ?? '';
    throw new StarlingError('invalid-profile', `${file}: ${field}: ${issue?.message ?? 'invalid'}`, { field: `${file}:${field}` });
  }
  if (`${profile.data.name}.yaml` !== file) {
    throw new StarlingError('invalid-profile', `${file} holds the profile ${profile.data.name}`, {
      field: `${file}:name`,
      hint: 'name the file as the profile',
    });
  }
  return profile.data;
}
