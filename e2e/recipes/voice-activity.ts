/** The pipeline of the recipe, and the model that it runs. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelFiles } from '../harness/operator.ts';

export const voicePipelineFile = new URL('../../examples/pipelines/voice-activity.yaml', import.meta.url);

/** Silero VAD (MIT), as it comes with the npm package @ricky0123/vad-web (ISC). */
export const voiceModel: ModelFiles = {
  name: 'voice-activity',
  version: '6.0.0',
  file: join(dirname(fileURLToPath(import.meta.resolve('@ricky0123/vad-web'))), 'silero_vad_v6.onnx'),
  card: {
    title: 'Silero VAD 6',
    description:
      'Whether somebody speaks: a probability for 512 samples at 16 kHz, with the 64 samples before them, and a state that goes round.',
    task: 'voice-activity',
    licence: 'MIT',
    source: 'Silero Team, from the npm package @ricky0123/vad-web 0.0.31',
    exampleShapes: { input: [1, 576], state: [2, 1, 128] },
    exampleRanges: { sr: { minimum: 16_000, maximum: 16_000 } },
  },
};
