import { z } from 'zod';
import type { SinkSignature } from '../signature.ts';

/** Below the folder that the device sets aside: a pipeline cannot write anywhere else. */
const fileParams = z.strictObject({
  folder: z
    .string()
    .min(1)
    .max(200)
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.-]*)*$/,
      'write a name such as readings or gate/readings, below the files of the agent',
    )
    .meta({ description: 'Below the folder for files of the agent (setting `filesFolder`)' }),
  format: z
    .enum(['jsonl', 'images'])
    .default('jsonl')
    .meta({ description: 'Lines of JSON in one growing file, or a file for each picture' }),
  rotateMegabytes: z.number().min(0.001).max(4096).default(16).meta({ description: 'Lines go to a new file when this one is larger' }),
  rotateHours: z.number().min(0.001).max(8784).default(24).meta({ description: 'Lines go to a new file when this one is older' }),
  keepMegabytes: z
    .number()
    .min(0.001)
    .max(1_048_576)
    .default(256)
    .meta({ description: 'The oldest files go when all are larger together' }),
});

/** Sinks that keep values on the device. */
export const fileSinks = {
  file: {
    name: 'file',
    version: 1,
    summary: 'Writes values to files on the device',
    inputs: { value: 'any' },
    params: fileParams,
    isLocal: true,
  },
} as const satisfies Record<string, SinkSignature>;
