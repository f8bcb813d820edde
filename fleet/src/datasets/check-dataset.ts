import { openArchive } from './archive.ts';
import type { DatasetKind } from './dataset.ts';
import { readLabels } from './labels.ts';
import { layoutOf } from './layout.ts';

export interface DatasetSummary {
  kind: DatasetKind;
  samples: number;
  labels: number;
}

/**
 * Checks an archive without unpacking it.
 * @throws StarlingError with a code that starts with `dataset-`
 */
export async function checkDataset(file: string, field: string): Promise<DatasetSummary> {
  const archive = await openArchive(file, field);
  try {
    const layout = layoutOf([...archive.files.keys()], field);
    const labels = await readLabels(archive, layout, field);
    return { kind: layout.kind, samples: layout.samples.length, labels: labels.size };
  } finally {
    archive.close();
  }
}
