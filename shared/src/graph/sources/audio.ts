import { z } from 'zod';
import { addressSchema, credentialsNameSchema } from '../connection.ts';
import type { SourceSignature } from '../signature.ts';

const audioParams = z
  .strictObject({
    path: z.string().min(1).max(1000).optional().meta({ description: 'File on the device, in any format that ffmpeg reads' }),
    url: addressSchema('rtsps?|https?', 'rtsp://camera.local/stream')
      .optional()
      .meta({ description: 'Network camera or radio, whose sound is taken' }),
    credentials: credentialsNameSchema.optional(),
    device: z
      .string()
      .max(200)
      .regex(/^(alsa|pulse):[A-Za-z0-9_.:,=-]+$/, 'write a device such as alsa:default, alsa:hw:1,0 or pulse:default')
      .optional()
      .meta({ description: 'Microphone at this machine, by ALSA or PulseAudio' }),
    sampleRateHz: z.number().int().min(1000).max(192_000).default(16_000).meta({ description: 'Samples are brought to it, in hertz' }),
    channels: z.number().int().min(1).max(8).default(1).meta({ description: 'Channels are mixed to as many' }),
    chunkMs: z.number().int().min(10).max(60_000).default(100).meta({ description: 'Sound in one item, in milliseconds' }),
    realTime: z.boolean().default(true).meta({
      description: 'Of a file: as fast as it sounds, where what is late by seconds is left out; otherwise each chunk is waited for',
    }),
    loop: z.boolean().default(false).meta({ description: 'Of a file: starts again at the end' }),
    silenceMs: z
      .number()
      .int()
      .min(1000)
      .max(600_000)
      .default(15_000)
      .meta({ description: 'What has sent no sound for this long, not even a quiet one, is opened again' }),
  })
  .refine(({ path, url, device }) => [path, url, device].filter((each) => each !== undefined).length === 1, {
    message: 'name one of path, url and device',
  });

/** What can be heard. */
export const audioSources = {
  audio: {
    name: 'audio',
    version: 1,
    summary: 'Sound of a file, a network camera or a microphone, in chunks, through ffmpeg',
    outputs: { audio: 'audio' },
    params: audioParams,
  },
} as const satisfies Record<string, SourceSignature>;
