import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  deviceIdOf,
  deviceIdSchema,
  generatePrivateKey,
  jsonDecode,
  jsonEncode,
  type PrivateKey,
  privateKeySchema,
  type Signer,
  signerOf,
} from '@starling/shared';
import { z } from 'zod';
import type { DeviceKey, KeyRotation } from '../core/ports/key-store.ts';
import { writeDurably } from './file-store.ts';

const FILE = 'device-key.json';
const NEXT_FILE = 'device-key-next.json';

const keyFileSchema = z.object({
  machineIdDigest: z.string(),
  key: privateKeySchema,
  device: deviceIdSchema.optional().meta({ description: 'Where the key is not the first one, by which the device is named' }),
});

/** SHA-256 of what tells this machine from a copy of its disk. */
export async function machineIdDigest(): Promise<string> {
  const id = await readFile('/etc/machine-id', 'utf8').catch(() => hostname());
  return createHash('sha256').update(`starling:${id.trim()}`).digest('hex');
}

/** The key of this device, in a file that only its user may read; undefined before it is enrolled, or on another machine. */
export async function readDeviceKey(directory: string): Promise<DeviceKey | undefined> {
  const stored = await readStored(directory, FILE);
  return stored === undefined ? undefined : toDeviceKey(directory, stored.key, stored.device);
}

async function readStored(directory: string, file: string): Promise<z.infer<typeof keyFileSchema> | undefined> {
  const bytes = await readFile(join(directory, file)).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const stored = jsonDecode(bytes, keyFileSchema);
  // The disk was copied to another machine: two devices with one key would fight over one name.
  return stored.machineIdDigest === (await machineIdDigest()) ? stored : undefined;
}

/** Makes the key at the first boot. It never leaves this file. */
export async function makeDeviceKey(directory: string): Promise<DeviceKey> {
  const known = await readDeviceKey(directory);
  if (known !== undefined) return known;
  const key = await generatePrivateKey();
  // On the disk before anybody hears of it: a token spent on a key that a power cut takes away would be lost.
  await writeDurably(directory, FILE, jsonEncode({ machineIdDigest: await machineIdDigest(), key }));
  return toDeviceKey(directory, key, undefined);
}

async function toDeviceKey(directory: string, first: PrivateKey, known: string | undefined): Promise<DeviceKey> {
  const device = known ?? (await deviceIdOf(Buffer.from(first.x, 'base64url')));
  let now: { publicKey: string; signer: Signer } = { publicKey: first.x, signer: await signerOf(first) };
  const pending = async () => {
    const next = (await readStored(directory, NEXT_FILE))?.key;
    return next === undefined ? undefined : { publicKey: next.x, signer: await signerOf(next), key: next };
  };
  const rotation: KeyRotation = {
    pending,
    async prepare() {
      const before = await pending();
      if (before !== undefined) return before;
      const key = await generatePrivateKey();
      await writeDurably(directory, NEXT_FILE, jsonEncode({ machineIdDigest: await machineIdDigest(), key }));
      return { publicKey: key.x, signer: await signerOf(key) };
    },
    async commit() {
      const next = await pending();
      if (next === undefined) return;
      // Over the old one by a rename: a cut leaves the one or the other. What remains of the new one is then that very key.
      await writeDurably(directory, FILE, jsonEncode({ machineIdDigest: await machineIdDigest(), key: next.key, device }));
      await rm(join(directory, NEXT_FILE), { force: true });
      now = { publicKey: next.publicKey, signer: next.signer };
    },
  };
  return {
    device,
    get publicKey() {
      return now.publicKey;
    },
    get signer() {
      return now.signer;
    },
    rotation,
  };
}
