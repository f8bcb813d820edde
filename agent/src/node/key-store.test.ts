import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeDeviceKey, readDeviceKey } from './key-store.ts';

describe('the key of a device', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'starling-key-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('is made once, and read by its user alone', async () => {
    expect(await readDeviceKey(directory)).toBeUndefined();
    // What a crash, or an older umask, has left does not lend its mode.
    await writeFile(join(directory, 'device-key.json.new'), 'half', { mode: 0o644 });
    const made = await makeDeviceKey(directory);
    expect((await stat(join(directory, 'device-key.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['device-key.json']);
    expect((await makeDeviceKey(directory)).device).toBe(made.device);
    expect((await readDeviceKey(directory))?.publicKey).toBe(made.publicKey);
  });

  test('stays behind when the disk is copied to another machine', async () => {
    const made = await makeDeviceKey(directory);
    const file = join(directory, 'device-key.json');
    const stored = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...stored, machineIdDigest: 'f'.repeat(64) }));
    expect(await readDeviceKey(directory)).toBeUndefined();
    expect((await makeDeviceKey(directory)).device).not.toBe(made.device);
  });
});
