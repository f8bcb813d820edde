/** A name -> a folder in the browser's private file system, and files in it that are written from this worker alone. */
import { messageOf, StarlingError } from '@starling/shared';

/** A file that a worker which has just ended held open is free some moments later. */
const TRIES = 40;
const TRY_AGAIN_MS = 50;

/** Opens a folder below the root of this origin, making it where it is missing. @throws StarlingError `no-storage` */
export async function openFolder(...names: readonly string[]): Promise<FileSystemDirectoryHandle> {
  try {
    let folder = await navigator.storage.getDirectory();
    for (const name of names) folder = await folder.getDirectoryHandle(name, { create: true });
    return folder;
  } catch (cause) {
    throw new StarlingError('no-storage', `this browser gives no place to keep models: ${messageOf(cause)}`, {
      hint: 'leave private browsing, and allow this site to store data',
      cause,
    });
  }
}

/** A file for reading and writing in place. It is this worker's alone until it is closed. */
export async function openForWriting(folder: FileSystemDirectoryHandle, name: string): Promise<FileSystemSyncAccessHandle> {
  const file = await folder.getFileHandle(name, { create: true });
  for (let left = TRIES; ; left -= 1) {
    try {
      return await file.createSyncAccessHandle();
    } catch (cause) {
      if (left === 0 || !isLocked(cause)) throw cause;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
}

/** Bytes of a file, or undefined where it is not there. */
export async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array | undefined> {
  const file = await fileIn(folder, name);
  return file === undefined ? undefined : new Uint8Array(await file.arrayBuffer());
}

export async function fileIn(folder: FileSystemDirectoryHandle, name: string): Promise<File | undefined> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Writes a file under another name and then gives it its own: it holds its old bytes or the new ones, whatever happens meanwhile. */
export async function replaceFile(folder: FileSystemDirectoryHandle, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${name}.new`;
  await durably(bytes.length, async () => {
    const access = await openForWriting(folder, temporary);
    try {
      access.truncate(0);
      writeAll(access, bytes, 0);
      access.flush();
    } catch (error) {
      // What there was no room for takes none.
      access.truncate(0);
      throw error;
    } finally {
      access.close();
    }
    await moveFile(folder, temporary, folder, name);
  });
}

/** Gives a file another name, in place of what bore it. Browsers have it for their private files, though no standard does. */
export async function moveFile(
  from: FileSystemDirectoryHandle,
  name: string,
  to: FileSystemDirectoryHandle,
  newName: string,
): Promise<void> {
  const file = (await from.getFileHandle(name)) as FileSystemFileHandle & {
    move(to: FileSystemDirectoryHandle, name: string): Promise<void>;
  };
  await file.move(to, newName);
}

export async function removeFile(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  await folder.removeEntry(name).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

export async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

/**
 * Writes all of the bytes. What a browser does when its quota is used up differs: Firefox takes a part and says so by the count, Chromium
 * gives a count that is larger than what it was given (-8 as an unsigned number, crbug.com/541725401), the standard has an exception.
 * @throws DOMException `QuotaExceededError`, which `durably` turns into words
 */
export function writeAll(access: FileSystemSyncAccessHandle, bytes: Uint8Array, at: number): void {
  const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
  if (written !== bytes.length) throw new DOMException(`${written} of ${bytes.length} bytes were taken`, QUOTA_EXCEEDED);
}

/** @param neededBytes what is written. @throws StarlingError `disk-full`, `disk-failed` */
export async function durably<Value>(neededBytes: number, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof StarlingError) throw cause;
    if (nameOf(cause) === QUOTA_EXCEEDED) throw await diskFull(neededBytes, cause);
    throw new StarlingError('disk-failed', messageOf(cause), { retryable: true, cause });
  }
}

const QUOTA_EXCEEDED = 'QuotaExceededError';

async function diskFull(neededBytes: number, cause: unknown): Promise<StarlingError> {
  const message = `${neededBytes} bytes more are needed, ${await roomFor(neededBytes).catch(() => 0)} are free`;
  return new StarlingError('disk-full', message, {
    retryable: true,
    hint: 'free space on the device, or let this site keep more data',
    cause,
  });
}

const EXACT_TO_BYTES = 256 * 1024;
const ROOM_FILE = 'starling-room';

/**
 * How much of the needed bytes this origin can still store. What a browser says of it is no more than a hope: Chromium names 10 GB beyond
 * what is used, whatever the disk holds, so that nobody is recognised by it. So a file without content is made as large as it goes. That
 * takes time where it is granted, so it is asked only after a refusal. All tries are one turn of this worker: none of its writes finds the
 * room taken.
 */
async function roomFor(neededBytes: number): Promise<number> {
  const root = await navigator.storage.getDirectory();
  const access = await openForWriting(root, ROOM_FILE);
  try {
    let granted = 0;
    let refused = neededBytes;
    while (refused - granted > EXACT_TO_BYTES) {
      const middle = Math.floor((granted + refused) / 2);
      if (isGranted(access, middle)) granted = middle;
      else refused = middle;
    }
    return granted;
  } finally {
    access.truncate(0);
    access.close();
    await removeFile(root, ROOM_FILE);
  }
}

/** Not every browser throws where there is no room: the size tells. */
function isGranted(access: FileSystemSyncAccessHandle, sizeBytes: number): boolean {
  try {
    access.truncate(sizeBytes);
    return access.getSize() === sizeBytes;
  } catch {
    return false;
  }
}

function isLocked(error: unknown): boolean {
  return nameOf(error) === 'NoModificationAllowedError';
}

function isMissing(error: unknown): boolean {
  return nameOf(error) === 'NotFoundError';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
