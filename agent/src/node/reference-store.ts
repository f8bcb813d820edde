import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { histogramSchema, jsonDecode } from '@starling/shared';
import type { ReferenceStore } from '../core/runtime/index.ts';

/** Learned references as small files in the data directory. Losing one only means learning it again. */
export function createDiskReferenceStore(dataDirectory: string): ReferenceStore {
  const directory = join(dataDirectory, 'references');
  const fileOf = (release: string, monitor: string): string => join(directory, `${release.slice(0, 16)}-${monitor}.json`);
  return {
    async read(release, monitor) {
      try {
        return jsonDecode(await readFile(fileOf(release, monitor)), histogramSchema);
      } catch {
        return null;
      }
    },
    async write(release, monitor, reference) {
      const file = fileOf(release, monitor);
      await mkdir(directory, { recursive: true });
      await writeFile(`${file}.new`, JSON.stringify(reference));
      await rename(`${file}.new`, file);
    },
  };
}
