import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonDecode } from '@starling/shared';
import { z } from 'zod';
import type { Clock } from '../ports.ts';
import type { BlobStore } from './blob-store.ts';

/** What is not referenced is kept for this long: a draft, an upload, a device that comes back late may still name it. */
export const GRACE_MS = 7 * 86_400_000;

const unreferencedSchema = z.record(z.string(), z.number());

export interface SweepReport {
  kept: number;
  waiting: number;
  deleted: number;
  deletedBytes: number;
}

/**
 * Mark and sweep. Deletes only chunks that were found unreferenced at every sweep for a week and were not stored again since.
 * @param references digests of all chunks in use; asked again right before deleting, so that a reference made meanwhile counts
 */
export async function collectGarbage(
  store: BlobStore,
  directory: string,
  references: () => Promise<ReadonlySet<string>>,
  clock: Clock,
): Promise<SweepReport> {
  const file = join(directory, 'unreferenced.json');
  const before = await readFile(file).then(
    (bytes) => jsonDecode(bytes, unreferencedSchema),
    () => ({}) as Record<string, number>,
  );
  const nowMs = clock.nowMs();
  const used = await references();
  const after: Record<string, number> = {};
  const due: { digest: string; storedBytes: number }[] = [];
  let kept = 0;
  for await (const { digest, storedBytes, touchedAtMs } of store.listChunks()) {
    if (used.has(digest)) {
      kept += 1;
      continue;
    }
    const sinceMs = before[digest] ?? nowMs;
    after[digest] = sinceMs;
    if (nowMs - sinceMs >= GRACE_MS && nowMs - touchedAtMs >= GRACE_MS) due.push({ digest, storedBytes });
  }
  const usedNow = due.length === 0 ? used : await references();
  let deletedBytes = 0;
  let deleted = 0;
  for (const { digest, storedBytes } of due) {
    delete after[digest];
    if (usedNow.has(digest)) continue;
    // Whoever takes it into use at this moment has touched it first.
    if (!(await store.deleteUntouched(digest, nowMs - GRACE_MS + 1))) continue;
    deleted += 1;
    deletedBytes += storedBytes;
  }
  await writeFile(`${file}.new`, JSON.stringify(after));
  await rename(`${file}.new`, file);
  return { kept, waiting: Object.keys(after).length, deleted, deletedBytes };
}
