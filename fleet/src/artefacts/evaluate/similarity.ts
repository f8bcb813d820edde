import { StarlingError } from '@starling/shared';
import { requireNumbers } from './numbers.ts';
import { ratioScorer, type Scorer } from './scorer.ts';

/** Above this two outputs differ by less than float32 can hold; equal ones would give infinity, which JSON cannot hold. */
const SIMILARITY_DB_MAXIMUM = 200;

interface Outputs {
  source: number[];
  artefact: number[];
}

/** Mean cosine of the outputs of a sample, in %: 100 for equal directions. */
export function scoreCosine(source: readonly unknown[], artefact: readonly unknown[], samples: readonly string[]): Scorer {
  const cosines = samples.map((sample, index) => cosineOf(outputsOf(source[index], artefact[index], sample)));
  return ratioScorer(cosines, new Array<number>(cosines.length).fill(1), 100);
}

/**
 * Signal-to-quantisation-noise ratio: 10 log10 of the squared outputs of the source over the squared differences, over all samples.
 * @throws StarlingError `prediction-unsuitable`, `prediction-not-a-number`, `output-size-mismatch`
 */
export function similarityDb(source: readonly unknown[], artefact: readonly unknown[], samples: readonly string[]): number {
  let signal = 0;
  let noise = 0;
  for (const [index, sample] of samples.entries()) {
    const outputs = outputsOf(source[index], artefact[index], sample);
    for (const [place, value] of outputs.source.entries()) {
      signal += value * value;
      noise += (value - (outputs.artefact[place] as number)) ** 2;
    }
  }
  if (noise === 0) return SIMILARITY_DB_MAXIMUM;
  const ratioDb = 10 * Math.log10(signal / noise);
  return Math.min(SIMILARITY_DB_MAXIMUM, Math.max(-SIMILARITY_DB_MAXIMUM, ratioDb));
}

function cosineOf({ source, artefact }: Outputs): number {
  let product = 0;
  let [sourceSquare, artefactSquare] = [0, 0];
  for (const [place, value] of source.entries()) {
    const other = artefact[place] as number;
    product += value * other;
    sourceSquare += value * value;
    artefactSquare += other * other;
  }
  if (sourceSquare === 0 && artefactSquare === 0) return 1;
  return sourceSquare === 0 || artefactSquare === 0 ? 0 : product / Math.sqrt(sourceSquare * artefactSquare);
}

function outputsOf(source: unknown, artefact: unknown, sample: string): Outputs {
  const outputs = {
    source: requireNumbers(source, { side: 'source', sample }),
    artefact: requireNumbers(artefact, { side: 'artefact', sample }),
  };
  if (outputs.source.length !== outputs.artefact.length) {
    throw new StarlingError(
      'output-size-mismatch',
      `for "${sample}" the source gives ${outputs.source.length} numbers, the artefact ${outputs.artefact.length}`,
      { field: `artefact.${sample}`, hint: 'compare the same output of both' },
    );
  }
  return outputs;
}
