import { readFile } from 'node:fs/promises';
import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { calibrate } from '../../fleet/src/artefacts/calibrate/index.ts';
import { openModel, writeModel } from '../../fleet/src/artefacts/onnx/index.ts';
import { optimiseModel } from '../../fleet/src/artefacts/optimise/index.ts';
import { digitInputs } from '../bench/quantise-samples.ts';
import { digitsModelFile } from '../digits/index.ts';

const referenceSchema = z.object({ maximum: z.record(z.string(), z.record(z.string(), z.number())) });

/** With many bins onnxruntime's entropy cuts half of what Relu lets through; with its own few it cuts off nothing. */
test('entropy on real activations keeps nearly all that onnxruntime keeps by default', async () => {
  const { maximum } = referenceSchema.parse(JSON.parse(await readFile(new URL('./entropy-reference.json', import.meta.url), 'utf8')));
  const [byDefault = {}, ...withManyBins] = Object.values(maximum);
  const pictures = await digitInputs(100, 'training');
  const { model, close } = openModel(digitsModelFile);
  await optimiseModel(model);
  const source = {
    samples: pictures.length,
    async *feeds() {
      for (const pixels of pictures) yield { pixels };
    },
  };
  const { ranges } = await calibrate(model, Object.keys(byDefault), source, {
    calibration: { method: 'entropy', percentile: 99.99, samplesMaximum: 128 },
    open: (tapped) => InferenceSession.create(writeModel(tapped), { intraOpNumThreads: 1, logSeverityLevel: 3 }),
  });
  close();
  for (const [value, largest] of Object.entries(byDefault)) {
    const range = ranges.get(value);
    expect(range?.minimum, value).toBe(0);
    expect(range?.maximum, value).toBeLessThanOrEqual(largest * (1 + 1e-6));
    expect(range?.maximum, value).toBeGreaterThan(0.8 * largest);
    for (const others of withManyBins) expect(range?.maximum, value).toBeGreaterThan(1.2 * (others[value] ?? Number.NaN));
  }
});
