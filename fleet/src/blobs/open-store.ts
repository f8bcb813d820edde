import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BlobStore } from './blob-store.ts';
import { parseS3Address, readS3Credentials } from './s3-address.ts';
import { createS3Client } from './s3-client.ts';
import { type DiskStorePorts, openDiskStore } from './store-disk.ts';
import { openS3Store } from './store-s3.ts';

export interface BlobPlace {
  /** Data directory of the fleet. */
  directory: string;
  /** `s3://...`, or `file:///...` for a folder that several processes share; undefined: below the data directory. */
  address: string | undefined;
  /** Where credentials of S3 are looked for unless the address names a file. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Id of the fleet that runs on it; undefined where blobs are only carried there or from there. */
  owner?: string;
}

/** @throws StarlingError `invalid-config`, `no-credentials`, `no-bucket`, `store-denied`, `store-unreachable`, `store-of-another` */
export async function openBlobStore({ directory, address, environment, owner }: BlobPlace, ports: DiskStorePorts): Promise<BlobStore> {
  if (address === undefined) return openDiskStore(join(directory, 'blobs'), ports);
  if (address.startsWith('file:')) return openDiskStore(fileURLToPath(address), { ...ports, isShared: true });
  const parsed = parseS3Address(address);
  return openS3Store(createS3Client(parsed, await readS3Credentials(parsed, environment)), { owner });
}
