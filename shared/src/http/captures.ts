import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { wallMsSchema } from '../ids.ts';
import { captureManifestSchema } from '../wire/capture.ts';
import type { Endpoint } from './endpoint.ts';

/** A capture that the fleet has. */
export const captureViewSchema = z.object({
  manifest: captureManifestSchema,
  digest: digestSchema.meta({ description: 'Of the file as it was uploaded' }),
  sizeBytes: z.number().int().positive(),
  keptUntilMs: wallMsSchema.meta({ description: '`policies.retention.resultDays` of its release after its end' }),
});
export type CaptureView = z.infer<typeof captureViewSchema>;

/** Path below `/api/v1` of a capture as a zip archive. For operators. */
export function captureArchivePath<Command extends string>(command: Command) {
  return `/commands/${command}/capture/archive` as const;
}

/** Values of edges, which are asked for as those of taps are: by the same role, and the same scope. */
export const captureEndpoints = {
  showCapture: {
    method: 'get',
    path: '/commands/{id}/capture',
    access: 'operator',
    tag: 'taps',
    summary: 'What a capture command has brought; its values are at /commands/{id}/capture/archive, as a zip',
    response: captureViewSchema,
  },
} as const satisfies Record<string, Endpoint>;
