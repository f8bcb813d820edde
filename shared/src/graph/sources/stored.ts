import { z } from 'zod';
import type { SourceSignature } from '../signature.ts';

const folderParams = z.strictObject({
  path: z.string().min(1).max(1000).meta({ description: 'Folder on the device' }),
  order: z.enum(['name', 'modified']).default('name').meta({ description: 'In which order the files that are there are read' }),
  loop: z.boolean().default(false).meta({ description: 'Starts again when all are read; otherwise it waits for new files' }),
  settleMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(100)
    .meta({ description: 'A file is read when its size has stood still for this long: it may still be being written' }),
  pauseMs: z.number().int().min(0).max(3_600_000).default(0).meta({ description: 'Between two files' }),
});

const videoParams = z.strictObject({
  path: z.string().min(1).max(1000).meta({ description: 'File on the device, in any format that ffmpeg reads' }),
  framesPerSecond: z.number().min(0.01).max(120).default(5).meta({ description: 'Frames that are taken of a second of video' }),
  loop: z.boolean().default(false).meta({ description: 'Starts again at the end' }),
  realTime: z
    .boolean()
    .default(true)
    .meta({ description: 'As fast as it was filmed, where late frames are left out; otherwise each frame is waited for' }),
  maximumWidth: z.number().int().min(16).max(7680).optional().meta({ description: 'Wider frames are scaled to it, in pixels' }),
});

/** What lies on the disk of the device. */
export const storedSources = {
  folder: {
    name: 'folder',
    version: 1,
    summary: 'Images in a folder, those that are there and those that come',
    outputs: { image: 'encoded-image', name: 'json' },
    params: folderParams,
  },
  video: {
    name: 'video',
    version: 1,
    summary: 'Frames of a video file, through ffmpeg',
    outputs: { image: 'encoded-image' },
    params: videoParams,
  },
} as const satisfies Record<string, SourceSignature>;
