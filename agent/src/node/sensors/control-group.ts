import { dirname, join } from 'node:path';
import { readText } from './read-text.ts';

/** What the control groups of a process leave it. */
export interface MemoryShare {
  limitBytes: number;
  /** Below the limit, with cached files that can go counted as free: those of a pull would otherwise look like a full memory. */
  availableBytes: number;
}

interface Files {
  mount: string;
  limit: string;
  used: string;
  /** The line of `memory.stat` that counts cached files which are given back first. */
  cached: RegExp;
}

const unified: Omit<Files, 'mount'> = { limit: 'memory.max', used: 'memory.current', cached: /^inactive_file (\d+)$/m };
const versionOne: Files = {
  mount: 'sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  cached: /^total_inactive_file (\d+)$/m,
};
/** Version 1 says "no limit" as the largest number of whole pages. */
const NO_LIMIT = 2 ** 60;

/**
 * The narrowest memory limit that this process lies in: that of a container, of a systemd unit (`MemoryMax=`), or of a slice around it.
 * @param root prefix of /proc and /sys
 * @returns undefined where nothing limits it
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 */
export async function readMemoryShare(root = ''): Promise<MemoryShare | undefined> {
  const lines = ((await readText(`${root}/proc/self/cgroup`)) ?? '').split('\n').map((line) => line.split(':'));
  const shares: MemoryShare[] = [];
  for (const [, controllers = '', ...rest] of lines) {
    const path = rest.join(':');
    for (const files of hierarchiesOf(controllers)) shares.push(...(await sharesAlong(root, files, path)));
  }
  return shares.toSorted((one, other) => one.availableBytes - other.availableBytes)[0];
}

function hierarchiesOf(controllers: string): Files[] {
  if (controllers.split(',').includes('memory')) return [versionOne];
  return controllers === '' ? ['sys/fs/cgroup', 'sys/fs/cgroup/unified'].map((mount) => ({ ...unified, mount })) : [];
}

/** Every group from the process's own up to the root binds. Inside a container the path may be that of the host: only the root is there. */
async function sharesAlong(root: string, files: Files, path: string): Promise<MemoryShare[]> {
  const shares: MemoryShare[] = [];
  for (let place = join('/', path); ; place = dirname(place)) {
    const share = await shareOf(join(`${root}/`, files.mount, place), files);
    if (share !== undefined) shares.push(share);
    if (place === '/') return shares;
  }
}

async function shareOf(folder: string, { limit, used, cached }: Files): Promise<MemoryShare | undefined> {
  const limitBytes = Number((await readText(join(folder, limit))) ?? Number.NaN);
  const usedBytes = Number((await readText(join(folder, used))) ?? Number.NaN);
  // A unified group without a limit says "max", which is no number.
  if (!(limitBytes < NO_LIMIT) || Number.isNaN(usedBytes)) return undefined;
  const cachedBytes = Number(cached.exec((await readText(join(folder, 'memory.stat'))) ?? '')?.[1] ?? 0);
  return { limitBytes, availableBytes: Math.max(0, limitBytes - Math.max(0, usedBytes - cachedBytes)) };
}
