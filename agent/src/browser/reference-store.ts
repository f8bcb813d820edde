import { histogramSchema, jsonDecode, jsonEncode } from '@starling/shared';
import type { ReferenceStore } from '../core/runtime/index.ts';
import { readFile, replaceFile } from './private-folder.ts';

/** Learned references as small files, written by the runtime host alone. Losing one only means learning it again. */
export function createReferenceStore(folder: FileSystemDirectoryHandle): ReferenceStore {
  const nameOf = (release: string, monitor: string): string => `${release.slice(0, 16)}-${monitor}.json`;
  return {
    async read(release, monitor) {
      const bytes = await readFile(folder, nameOf(release, monitor)).catch(() => undefined);
      try {
        return bytes === undefined ? null : jsonDecode(bytes, histogramSchema);
      } catch {
        return null;
      }
    },
    write: (release, monitor, reference) => replaceFile(folder, nameOf(release, monitor), jsonEncode(reference)),
  };
}
