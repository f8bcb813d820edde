import { readFile } from 'node:fs/promises';

/** What Linux counts memory in. Larger pages exist on some ARM kernels: there the ceiling is met later. */
const PAGE_BYTES = 4096;

/**
 * Bytes of memory that a process has resident for itself, native code included; undefined where the system does not say. Parts of files
 * that it has mapped do not count: the system takes them back when it needs the memory.
 */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const [, resident, ofFiles] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
    const pages = Number(resident) - Number(ofFiles);
    return Number.isFinite(pages) ? pages * PAGE_BYTES : undefined;
  } catch {
    return undefined;
  }
}
