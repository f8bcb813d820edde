/** A process -> the most memory that it and what it started had resident at once. */
import { readdir, readFile } from 'node:fs/promises';

/** A build takes seconds; what it holds, it holds for a good part of one. */
const INTERVAL_MS = 20;
const PAGE_BYTES = 4096;

/** Watches the processes below this one while some work goes on. @returns the most bytes that all of them had resident at once */
export async function peakOfChildren(work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  let done = false;
  const watching = (async () => {
    while (!done) {
      peak = Math.max(peak, await residentBelow(process.pid));
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  })();
  try {
    await work();
  } finally {
    done = true;
    await watching;
  }
  return peak;
}

async function residentBelow(pid: number): Promise<number> {
  const children = await childrenOf(pid);
  const sizes = await Promise.all(children.map(async (child) => (await residentOf(child)) + (await residentBelow(child))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function childrenOf(pid: number): Promise<number[]> {
  // A process that ends meanwhile has none.
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')));
  return lists.flatMap((list) =>
    list
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
}

async function residentOf(pid: number): Promise<number> {
  const pages = (await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')).split(' ')[1];
  return pages === undefined ? 0 : Number(pages) * PAGE_BYTES;
}
