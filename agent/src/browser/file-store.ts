import type { FileStore } from '../core/ports/file-store.ts';
import { durably, fileIn, namesIn, openForWriting, readFile, removeFile, replaceFile, writeAll } from './private-folder.ts';

/** Files in one folder, flushed to the disk before a call returns. One after the other: a file can be open once only. */
export async function openFileStore(folder: FileSystemDirectoryHandle): Promise<FileStore> {
  const known = new Set(await namesIn(folder));
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    read: (name) => inTurn(async () => (known.has(name) ? readFile(folder, name) : undefined)),
    write: (name, bytes) =>
      inTurn(async () => {
        await replaceFile(folder, name, bytes);
        known.add(name);
      }),
    append: (name, bytes) =>
      inTurn(async () => {
        await durably(bytes.length, async () => {
          const access = await openForWriting(folder, name);
          const sizeBytes = access.getSize();
          try {
            writeAll(access, bytes, sizeBytes);
            access.flush();
          } catch (error) {
            // Part of a record would hide the ones behind it.
            access.truncate(sizeBytes);
            throw error;
          } finally {
            access.close();
          }
        });
        known.add(name);
      }),
    list: (prefix) =>
      inTurn(async () => {
        const names = [...known].filter((name) => name.startsWith(prefix) && !name.endsWith('.new'));
        return Promise.all(names.map(async (name) => ({ name, sizeBytes: (await fileIn(folder, name))?.size ?? 0 })));
      }),
    remove: (name) =>
      inTurn(async () => {
        known.delete(name);
        await removeFile(folder, name);
      }),
  };
}
