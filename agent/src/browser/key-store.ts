import { deviceIdOf, keyIdOf, makeRandomId, messageOf, StarlingError, sha256Hex, signerOver } from '@starling/shared';
import type { DeviceKey, KeyRotation } from '../core/ports/key-store.ts';
import { systemRandom } from './ids.ts';

/** What lies in the database of this origin. The key cannot be read out, neither by this code nor by what gets into the page. */
interface StoredKey {
  privateKey: CryptoKey;
  /** Raw public key, base64url. */
  publicKey: string;
  /** Random, made with the key: stands in for the machine id that no browser tells. */
  machineId: string;
  /** Where the key is not the first one, by which the device is named. */
  device?: string;
}

export interface BrowserKey extends DeviceKey {
  machineIdDigest: string;
}

const STORE = 'keys';
const ENTRY = 'device';
const NEXT_ENTRY = 'device-next';

/** The key of this device; undefined before it is enrolled. @throws StarlingError `no-storage` */
export async function readDeviceKey(home: string): Promise<BrowserKey | undefined> {
  const stored = await transact<StoredKey | undefined>(home, 'readonly', (store) => store.get(ENTRY));
  return stored === undefined ? undefined : toDeviceKey(home, stored);
}

/** Makes the key at the first start. It never leaves this browser. @throws StarlingError `browser-too-old`, `no-storage` */
export async function makeDeviceKey(home: string): Promise<BrowserKey> {
  const known = await readDeviceKey(home);
  if (known !== undefined) return known;
  const stored: StoredKey = { ...(await generate()), machineId: makeRandomId(systemRandom.bytes) };
  // Kept before anybody hears of it: a token spent on a key that is gone would be lost.
  await transact(home, 'readwrite', (store) => store.put(stored, ENTRY));
  return toDeviceKey(home, stored);
}

async function generate(): Promise<Pick<StoredKey, 'privateKey' | 'publicKey'>> {
  try {
    const { privateKey, publicKey } = (await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify'])) as CryptoKeyPair;
    return { privateKey, publicKey: base64Url(new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))) };
  } catch (cause) {
    throw new StarlingError('browser-too-old', 'this browser cannot sign with Ed25519', {
      hint: 'use Chrome or Edge 137, Firefox 129, Safari 17, or newer',
      cause,
    });
  }
}

async function toDeviceKey(home: string, stored: StoredKey): Promise<BrowserKey> {
  const { machineId } = stored;
  const device = stored.device ?? (await deviceIdOf(bytesOf(stored.publicKey)));
  const inForce = async ({ publicKey, privateKey }: Pick<StoredKey, 'privateKey' | 'publicKey'>) => ({
    publicKey,
    signer: signerOver(await keyIdOf({ x: publicKey }), privateKey),
  });
  let now = await inForce(stored);
  const readNext = () => transact<StoredKey | undefined>(home, 'readonly', (store) => store.get(NEXT_ENTRY));
  const rotation: KeyRotation = {
    async pending() {
      const next = await readNext();
      return next === undefined ? undefined : inForce(next);
    },
    async prepare() {
      const next: StoredKey = (await readNext()) ?? { ...(await generate()), machineId, device };
      await transact(home, 'readwrite', (store) => store.put(next, NEXT_ENTRY));
      return inForce(next);
    },
    async commit() {
      const next = await readNext();
      if (next === undefined) return;
      await transact(home, 'readwrite', (store) => {
        store.put(next, ENTRY);
        return store.delete(NEXT_ENTRY);
      });
      now = await inForce(next);
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
    machineIdDigest: await sha256Hex(new TextEncoder().encode(`starling:${machineId}`)),
  };
}

function transact<Value>(home: string, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<Value>): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(
        new StarlingError('no-storage', `this browser does not keep keys for this site: ${messageOf(cause)}`, {
          hint: 'leave private browsing, and allow this site to store data',
          cause,
        }),
      );
    const opening = indexedDB.open(home, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => fail(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const end = (settle: () => void): void => {
        database.close();
        settle();
      };
      try {
        const transaction = database.transaction(STORE, mode, { durability: 'strict' });
        const request = work(transaction.objectStore(STORE));
        transaction.oncomplete = () => end(() => resolve(request.result));
        transaction.onabort = () => end(() => fail(transaction.error));
      } catch (error) {
        // A database without the store, or a key that this browser cannot keep.
        end(() => fail(error));
      }
    };
  });
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}
