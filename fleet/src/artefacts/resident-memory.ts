import { readFile } from 'node:fs/promises';

/** What Linux counts memory in. Larger pages exist on some ARM kernels: there the ceiling is met later. */
const PAGE_BYTES = 4096;

/** Bytes of memory that a process has resident, native code included; undefined where the system does not say. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const pages = Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]);
    return Number.isFinite(pages) ? pages * PAGE_BYTES : undefined;
  } catch {
    return undefined;
  }
}
