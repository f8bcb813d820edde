import { readFile } from 'node:fs/promises';

/** Assets are small (dictionaries, label lists); the control plane has verified them. */
export async function readAsset(location: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(location));
}
