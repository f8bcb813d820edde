import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { deviceIdOf, generatePrivateKey, jsonDecode, jsonEncode, privateKeySchema, signerOf } from '@starling/shared';
import { z } from 'zod';
import type { DeviceKey } from '../core/ports/key-store.ts';
import { writeDurably } from './file-store.ts';

const FILE = 'device-key.json';

const keyFileSchema = z.object({ machineIdDigest: z.string(), key: privateKeySchema });

/** SHA-256 of what tells this machine from a copy of its disk. */
export async function machineIdDigest(): Promise<string> {
  const id = await readFile('/etc/machine-id', 'utf8').catch(() => hostname());
  return createHash('sha256').update(`starling:${id.trim()}`).digest('hex');
}

/** The key of this device, in a file that only its user may read; undefined before it is enrolled, or on another machine. */
export async function readDeviceKey(directory: string): Promise<DeviceKey | undefined> {
  const bytes = await readFile(join(directory, FILE)).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const stored = jsonDecode(bytes, keyFileSchema);
  // The disk was copied to another machine: two devices with one key would fight over one name.
  if (stored.machineIdDigest !== (await machineIdDigest())) return undefined;
  return toDeviceKey(stored.key);
}

/** Makes the key at the first boot. It never leaves this file. */
export async function makeDeviceKey(directory: string): Promise<DeviceKey> {
  const known = await readDeviceKey(directory);
  if (known !== undefined) return known;
  const key = await generatePrivateKey();
  // On the disk before anybody hears of it: a token spent on a key that a power cut takes away would be lost.
  await writeDurably(directory, FILE, jsonEncode({ machineIdDigest: await machineIdDigest(), key }));
  return toDeviceKey(key);
}

async function toDeviceKey(key: z.infer<typeof privateKeySchema>): Promise<DeviceKey> {
  return { device: await deviceIdOf(Buffer.from(key.x, 'base64url')), publicKey: key.x, signer: await signerOf(key) };
}
