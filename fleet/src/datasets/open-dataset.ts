import { mkdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { openArchive } from './archive.ts';
import type { Dataset, Sample } from './dataset.ts';
import { readLabels } from './labels.ts';
import { layoutOf } from './layout.ts';

/**
 * Unpacks an archive into a new directory, one file at a time. Files get numbers for names: what a stranger called them never reaches the
 * file system.
 * @throws StarlingError with a code that starts with `dataset-`
 */
export async function openDataset(file: string, directory: string, field: string): Promise<Dataset> {
  const archive = await openArchive(file, field);
  try {
    const layout = layoutOf([...archive.files.keys()], field);
    const labels = await readLabels(archive, layout, field);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const samples: Sample[] = [];
    let count = 0;
    for (const { name, entries } of layout.samples) {
      const files: Record<string, string> = {};
      for (const [input, entry] of Object.entries(entries)) {
        const path = join(directory, `${count}${extname(entry).toLowerCase()}`);
        count += 1;
        await archive.extract(entry, path);
        files[input] = path;
      }
      samples.push({ name, files, label: labels.get(name) });
    }
    return { kind: layout.kind, samples };
  } finally {
    archive.close();
  }
}
