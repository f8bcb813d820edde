import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { Archive } from './archive.ts';
import { LABELS_FILE, type Layout } from './layout.ts';

/** Labels of the largest data set, with boxes or texts for each sample. */
const LABELS_BYTES_MAXIMUM = 64 * 1024 ** 2;
const labelsSchema = z.record(z.string(), z.json());

/**
 * Reads `labels.json`: sample -> label. What a label means is a matter of the metric.
 * @returns an empty map without such a file
 * @throws StarlingError `dataset-labels-invalid`, `dataset-label-unknown`
 */
export async function readLabels(archive: Archive, layout: Layout, field: string): Promise<ReadonlyMap<string, unknown>> {
  if (!layout.labelled) return new Map();
  const labels = parseLabels(new TextDecoder().decode(await archive.read(LABELS_FILE, LABELS_BYTES_MAXIMUM)), field);
  const names = new Set(layout.samples.map(({ name }) => name));
  const unknown = [...labels.keys()].filter((name) => !names.has(name));
  if (unknown.length > 0) {
    const more = unknown.length > 1 ? ` and ${unknown.length - 1} others` : '';
    throw new StarlingError('dataset-label-unknown', `${LABELS_FILE} names "${unknown[0]}"${more}, which the data set does not hold`, {
      field,
      hint: 'name each sample by its file or folder, e.g. {"0001.png": "cat"}',
    });
  }
  return labels;
}

function parseLabels(text: string, field: string): ReadonlyMap<string, unknown> {
  const invalid = (what: string, cause?: unknown): StarlingError =>
    new StarlingError('dataset-labels-invalid', `${LABELS_FILE} ${what}`, {
      field,
      hint: 'write an object of sample and label, e.g. {"0001.png": "cat"}',
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid('is no JSON', cause);
  }
  const parsed = labelsSchema.safeParse(value);
  if (!parsed.success) throw invalid('is no object of sample and label', parsed.error);
  return new Map(Object.entries(parsed.data));
}
