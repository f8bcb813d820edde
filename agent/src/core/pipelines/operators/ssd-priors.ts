import { type OperatorParams, StarlingError } from '@starling/shared';

type SsdParams = OperatorParams<'ssd.decode'>;

/** A box that a detector corrects, in shares of the sides of its input. */
export interface Prior {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Made once for a node: its parameters are one object as long as it runs. */
const madePriors = new WeakMap<object, Prior[]>();

/**
 * The priors of all maps in the order of the detector: map after map, row after row, and the sizes of a cell.
 * @throws StarlingError `priors-mismatch` where they are not as many as the boxes
 */
export function priorsOf(maps: NonNullable<SsdParams['priors']>, fit: SsdParams['fit'], count: number): Prior[] {
  const priors = madePriors.get(maps) ?? makePriors(maps, fit);
  madePriors.set(maps, priors);
  if (priors.length === count) return priors;
  throw new StarlingError('priors-mismatch', `the model has ${count} boxes, priors make ${priors.length}`, {
    field: 'params.priors',
    hint: 'give stride and sizes of each map as the model was trained, and the sides of its input in fit',
  });
}

function makePriors(maps: NonNullable<SsdParams['priors']>, { width, height }: SsdParams['fit']): Prior[] {
  const priors: Prior[] = [];
  for (const { stride, sizes } of maps) {
    for (let row = 0; row < Math.ceil(height / stride); row += 1) {
      for (let column = 0; column < Math.ceil(width / stride); column += 1) {
        const [x, y] = [((column + 0.5) * stride) / width, ((row + 0.5) * stride) / height];
        // No prior is larger than the picture, as SSD clips them.
        for (const size of sizes)
          priors.push({ x: Math.min(1, x), y: Math.min(1, y), width: Math.min(1, size / width), height: Math.min(1, size / height) });
      }
    }
  }
  return priors;
}
