import { totalmem } from 'node:os';
import process from 'node:process';
import type { MachineSettings } from '../../core/ports/engine.ts';

/** Text in images peaked at 646 MB with arenas, at 475 MB without: below this size the difference decides what else a device can run. */
const ROOMY_BYTES = 2 * 1024 ** 3;

/** Whether this machine, or the control group that the agent is confined to, has memory to spare for arenas. */
export function hasRoom(totalBytes = totalmem(), limitBytes = process.constrainedMemory()): boolean {
  // A process without a limit reports none, or one beyond any machine.
  return Math.min(totalBytes, limitBytes > 0 ? limitBytes : totalBytes) >= ROOMY_BYTES;
}

/**
 * glibc's malloc keeps freed memory of large sessions unless told otherwise before the process starts: with these, 20 sessions of a
 * 14 MB model gave back 94 %, without them almost nothing.
 */
const giveBack = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

/** Arenas live long, so that large pages are worth their alignment: half of the page faults, a tenth more frames per second. */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1';

/** The environment of a process that runs models. */
export function memoryEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  { arena }: MachineSettings,
): Record<string, string | undefined> {
  if (!arena) return { ...environment, ...giveBack };
  const tunables = [environment.GLIBC_TUNABLES, HUGE_PAGES].filter((each) => each !== undefined && each !== '');
  return { ...environment, ...giveBack, GLIBC_TUNABLES: tunables.join(':') };
}
