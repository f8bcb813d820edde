import { isLitter, StarlingError } from '@starling/shared';
import { type DatasetKind, ONLY_INPUT } from './dataset.ts';

/** What the names in an archive say about its samples. */
export interface Layout {
  kind: DatasetKind;
  /** Sample -> input -> name in the archive, in the order of the samples. */
  samples: { name: string; entries: Record<string, string> }[];
  labelled: boolean;
}

export const LABELS_FILE = 'labels.json';

const IMAGE = /\.(png|jpe?g|webp|gif|avif|tiff?|bmp)$/i;
const TENSOR = /\.npy$/i;

/**
 * Reads the samples out of the names of files.
 * @param field what to call the data set in errors, e.g. `datasets.calibration`
 * @throws StarlingError `dataset-empty`, `dataset-mixed`, `dataset-unknown-file`, `dataset-sample-incomplete`
 */
export function layoutOf(names: readonly string[], field: string): Layout {
  const kept = names.filter((name) => !isLitter(name) && !name.endsWith('/'));
  const samples = new Map<string, Record<string, string>>();
  const kinds = new Map<DatasetKind, string>();
  for (const name of kept.toSorted(byCodePoint)) {
    if (name === LABELS_FILE) continue;
    const { kind, sample, input } = placeOf(name, field);
    kinds.set(kind, kinds.get(kind) ?? name);
    const entries = samples.get(sample) ?? {};
    entries[input] = name;
    samples.set(sample, entries);
  }
  const [kind] = kinds.keys();
  if (kind === undefined) {
    throw new StarlingError('dataset-empty', 'the data set holds no sample', {
      field,
      hint: 'put images, .npy tensors, or folders with one .npy for each input into it',
    });
  }
  const list = [...samples].map(([name, entries]) => ({ name, entries }));
  if (kinds.size > 1) throw mixed([...kinds.values()], field);
  requireEqualInputs(list, field);
  return { kind, samples: list, labelled: kept.includes(LABELS_FILE) };
}

function placeOf(name: string, field: string): { kind: DatasetKind; sample: string; input: string } {
  const [first = '', second, ...deeper] = name.split('/');
  if (second === undefined && IMAGE.test(name)) return { kind: 'images', sample: name, input: ONLY_INPUT };
  if (second === undefined && TENSOR.test(name)) return { kind: 'tensors', sample: name, input: ONLY_INPUT };
  if (second !== undefined && deeper.length === 0 && TENSOR.test(second)) {
    return { kind: 'tensors', sample: first, input: second.replace(TENSOR, '') };
  }
  throw new StarlingError('dataset-unknown-file', `"${name}" is no sample`, {
    field,
    hint: 'a data set holds images, .npy tensors, or folders with one .npy for each input, and labels.json',
  });
}

/** Samples that are single files and samples that are folders, or folders of other inputs, are two data sets in one. */
function requireEqualInputs(samples: Layout['samples'], field: string): void {
  const [first] = samples;
  if (first === undefined) return;
  const wanted = Object.keys(first.entries);
  for (const { name, entries } of samples) {
    const inputs = Object.keys(entries);
    if (wanted.includes(ONLY_INPUT) !== inputs.includes(ONLY_INPUT)) throw mixed([first.name, name], field);
    const missing = wanted.find((input) => !inputs.includes(input));
    const surplus = inputs.find((input) => !wanted.includes(input));
    if (missing === undefined && surplus === undefined) continue;
    const what = missing === undefined ? `has "${surplus}.npy", which sample "${first.name}" has not` : `lacks "${missing}.npy"`;
    throw new StarlingError('dataset-sample-incomplete', `sample "${name}" ${what}`, {
      field,
      hint: 'every folder holds one .npy for each input of the model',
    });
  }
}

function mixed(names: readonly string[], field: string): StarlingError {
  return new StarlingError('dataset-mixed', `samples of two kinds: ${names.map((name) => `"${name}"`).join(' and ')}`, {
    field,
    hint: 'a data set holds either images, or single .npy tensors, or folders of them',
  });
}

/** The same order in every place, whatever its language. */
function byCodePoint(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
