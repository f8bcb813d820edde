import { z } from 'zod';
import { addressSchema, credentialsNameSchema } from '../connection.ts';
import type { SourceSignature } from '../signature.ts';

const frameParams = {
  framesPerSecond: z
    .number()
    .min(0.01)
    .max(120)
    .default(5)
    .meta({ description: 'Frames that are looked at in a second; the newest one waits' }),
  maximumWidth: z.number().int().min(16).max(7680).optional().meta({ description: 'Wider frames are scaled to it, in pixels' }),
};
const silenceMs = z
  .number()
  .int()
  .min(1000)
  .max(600_000)
  .default(15_000)
  .meta({ description: 'A camera that has sent no frame for this long is opened again' });

const rtspParams = z.strictObject({
  url: addressSchema('rtsps?', 'rtsp://camera.local/stream'),
  credentials: credentialsNameSchema.optional(),
  transport: z.enum(['tcp', 'udp']).default('tcp').meta({ description: 'How the frames come; over udp some may be lost' }),
  ...frameParams,
  silenceMs,
});

const v4l2Params = z.strictObject({
  device: z
    .string()
    .max(200)
    .regex(/^\/dev\/[A-Za-z0-9/_.-]+$/, 'write a device such as /dev/video0')
    .default('/dev/video0'),
  width: z.number().int().min(16).max(7680).optional().meta({ description: 'Width that the camera is asked for, with `height`' }),
  height: z.number().int().min(16).max(7680).optional(),
  inputFormat: z
    .enum(['mjpeg', 'yuyv422', 'h264', 'nv12'])
    .optional()
    .meta({ description: 'Format that the camera is asked for; many give large pictures quickly in mjpeg alone' }),
  ...frameParams,
  silenceMs,
});

const cameraParams = z.strictObject({
  facing: z.enum(['user', 'environment']).default('environment').meta({ description: 'Which camera of a telephone or tablet' }),
  width: z.number().int().min(16).max(7680).default(1280),
  height: z.number().int().min(16).max(7680).default(720),
  framesPerSecond: z.number().min(0.1).max(60).default(10),
});

/** What sees now. The newest frame waits, older ones are left out: a live picture is never behind. */
export const cameraSources = {
  rtsp: {
    name: 'rtsp',
    version: 1,
    summary: 'Frames of a network camera, through ffmpeg',
    outputs: { image: 'encoded-image' },
    params: rtspParams,
  },
  v4l2: {
    name: 'v4l2',
    version: 1,
    summary: 'Frames of a camera at this machine (Video4Linux), through ffmpeg',
    outputs: { image: 'encoded-image' },
    params: v4l2Params,
  },
  camera: {
    name: 'camera',
    version: 1,
    summary: 'Frames of the camera of a browser',
    outputs: { image: 'encoded-image' },
    params: cameraParams,
  },
} as const satisfies Record<string, SourceSignature>;
