import { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';

const mixParams = z.strictObject({
  channel: z.number().int().min(0).max(63).optional().meta({ description: 'This channel alone, from 0; without it the mean of all' }),
});

const resampleParams = z.strictObject({
  sampleRateHz: z.number().int().min(1000).max(192_000).default(16_000).meta({ description: 'Rate of the result, in hertz' }),
});

const frameParams = z
  .strictObject({
    lengthSamples: z.number().int().min(1).max(1_920_000).meta({ description: 'Samples of a frame, in each channel' }),
    hopSamples: z
      .number()
      .int()
      .min(1)
      .max(1_920_000)
      .optional()
      .meta({ description: 'Samples between the starts of two frames; by default frames do not overlap' }),
    leadingSamples: z
      .number()
      .int()
      .min(0)
      .max(1_920_000)
      .default(0)
      .meta({ description: 'Zeros before the first sample of a stream: how a model sees what came before its frame from the start' }),
  })
  .refine(({ lengthSamples, leadingSamples }) => leadingSamples < lengthSamples, {
    path: ['leadingSamples'],
    message: 'a frame needs a sample of its own: less than lengthSamples',
  });

const logMelParams = z
  .strictObject({
    sampleRateHz: z
      .number()
      .int()
      .min(1000)
      .max(192_000)
      .default(16_000)
      .meta({ description: 'Rate that the sound has to have, in hertz' }),
    fftSize: z.number().int().min(16).max(16_384).default(400).meta({ description: 'Points of the Fourier transform' }),
    windowSamples: z
      .number()
      .int()
      .min(16)
      .max(16_384)
      .optional()
      .meta({ description: 'Length of the Hann window, in the middle of `fftSize`; as long by default' }),
    hopSamples: z.number().int().min(1).max(16_384).default(160).meta({ description: 'Samples between two columns' }),
    mels: z.number().int().min(1).max(256).default(80).meta({ description: 'Filters, which are the rows' }),
    minimumHz: z.number().min(0).max(96_000).default(0).meta({ description: 'Where the lowest filter begins' }),
    maximumHz: z.number().positive().max(96_000).optional().meta({ description: 'Where the highest ends; half the rate by default' }),
    scale: z
      .enum(['slaney', 'htk'])
      .default('slaney')
      .meta({ description: '`slaney`: straight below 1 kHz, as librosa; `htk`: 2595 log10(1 + f/700), as torchaudio' }),
    norm: z
      .enum(['area', 'none'])
      .default('area')
      .meta({ description: '`area`: filters of equal area, as librosa; `none`: filters of height 1, as torchaudio' }),
    power: z.enum(['magnitude', 'power']).default('power').meta({ description: 'Of the spectrum, before the filters' }),
    centre: z
      .boolean()
      .default(true)
      .meta({ description: 'A column stands for the samples around it, with the ends mirrored; otherwise for those from there on' }),
    log: z
      .enum(['natural', 'log10', 'decibel', 'whisper'])
      .default('natural')
      .meta({ description: '`whisper`: log10, nothing over 8 below the largest, scaled to about -1 to 1, without the last column' }),
    floor: z.number().positive().max(1).default(1e-10).meta({ description: 'Smaller values count as this before the logarithm' }),
  })
  .refine(({ fftSize, windowSamples = fftSize }) => windowSamples <= fftSize, {
    path: ['windowSamples'],
    message: 'the window is longer than fftSize',
  })
  .refine(({ sampleRateHz, minimumHz, maximumHz = sampleRateHz / 2 }) => minimumHz < maximumHz && maximumHz <= sampleRateHz / 2, {
    path: ['maximumHz'],
    message: 'has to be above minimumHz, and at most half of sampleRateHz',
  });

const levelParams = z.strictObject({
  floorDb: z.number().min(-300).max(-1).default(-120).meta({ description: 'What silence counts as' }),
});

const segmentsParams = z
  .strictObject({
    frameMs: z.number().positive().max(10_000).default(32).meta({ description: 'Time from one probability to the next, in milliseconds' }),
    onThreshold: z.number().min(0).max(1).default(0.5).meta({ description: 'Speech begins at this probability' }),
    offThreshold: z.number().min(0).max(1).default(0.35).meta({ description: 'Speech ends below this probability' }),
    minimumSilenceMs: z.number().min(0).max(60_000).default(100).meta({ description: 'Shorter pauses do not end speech' }),
    minimumSpeechMs: z.number().min(0).max(60_000).default(0).meta({ description: 'Shorter speech is no segment' }),
    paddingMs: z.number().min(0).max(10_000).default(30).meta({ description: 'Added to both ends of a segment' }),
  })
  .refine(({ onThreshold, offThreshold }) => offThreshold <= onThreshold, {
    path: ['offThreshold'],
    message: 'has to be at most onThreshold',
  });

/** Sound: mixed, resampled, cut into frames, made into tensors; and what speech models say of it. */
export const audioOperators = {
  'audio.mix': {
    name: 'audio.mix',
    version: 1,
    summary: 'Makes one channel of all: their mean, or one of them',
    inputs: { audio: 'audio' },
    outputs: { audio: 'audio' },
    params: mixParams,
  },
  'audio.resample': {
    name: 'audio.resample',
    version: 1,
    summary:
      'Changes the rate of sound without aliases; chunks of a stream join without a seam. Nothing comes while it still gathers samples',
    inputs: { audio: 'audio' },
    outputs: { audio: 'audio' },
    params: resampleParams,
    stateful: true,
  },
  'audio.frame': {
    name: 'audio.frame',
    version: 1,
    summary: 'Cuts a stream of chunks of any length into frames of one length. Nothing comes where no frame is complete',
    inputs: { audio: 'audio' },
    outputs: { frames: 'list<audio>' },
    params: frameParams,
    stateful: true,
  },
  'audio.to-tensor': {
    name: 'audio.to-tensor',
    version: 1,
    summary: 'The samples of one channel as a float32 tensor [1,samples]',
    inputs: { audio: 'audio' },
    outputs: { tensor: 'tensor<float32,[1,n]>' },
    params: z.strictObject({}),
  },
  'audio.log-mel': {
    name: 'audio.log-mel',
    version: 1,
    summary: 'Log mel spectrogram of one channel as a float32 tensor [1,mels,columns]',
    inputs: { audio: 'audio' },
    outputs: { tensor: 'tensor<float32,[1,m,t]>' },
    params: logMelParams,
  },
  'audio.level': {
    name: 'audio.level',
    version: 1,
    summary: 'How loud sound is: `rmsDb` and `peakDb` of full scale, and `peak` from 0 to 1, over all channels',
    inputs: { audio: 'audio' },
    outputs: { level: 'json' },
    params: levelParams,
  },
  'voice.segments': {
    name: 'voice.segments',
    version: 1,
    summary:
      'Makes segments of speech out of probabilities: `segments` that have ended, with `startMs` and `endMs` since the stream began; `speech` as it is now',
    inputs: { probabilities: 'list<tensor<float32,[n,m]>>' },
    outputs: { segments: 'json', speech: 'json' },
    params: segmentsParams,
    stateful: true,
  },
} as const satisfies Record<string, OperatorSignature>;
