import { digestSchema, jsonDecode, jsonEncode, messageOf, sessionSettingsSchema, tuneGoalSchema } from '@starling/shared';
import { z } from 'zod';
import type { FileStore } from '../ports/file-store.ts';
import type { Log } from '../ports/log.ts';
import type { RuntimeIdentity } from '../ports/runtime-identity.ts';

/** The best way to run an artefact that was found here. It holds for one engine on one hardware. */
export const tuningSchema = z.object({
  artefact: digestSchema,
  model: z.string(),
  runtimeVersion: z.string(),
  hardware: z.string(),
  settings: sessionSettingsSchema,
  /** What was made small. */
  minimise: tuneGoalSchema.default('latency'),
  latencyMs: z.number(),
  /** With the settings that are used where nothing was tuned. */
  defaultLatencyMs: z.number(),
  trials: z.number().int(),
  atMs: z.number(),
});
export type Tuning = z.infer<typeof tuningSchema>;

/** Tuned settings of this device, on disk. */
export interface Tunings {
  /** For this engine on this hardware. */
  find(artefact: string): Tuning | undefined;
  list(): Tuning[];
  keep(tuning: Omit<Tuning, 'runtimeVersion' | 'hardware'>): Promise<void>;
}

const FILE = 'tunings';
const TUNINGS_MAXIMUM = 128;

export async function openTunings(files: FileStore, identity: RuntimeIdentity, log: Log): Promise<Tunings> {
  let tunings = await read(files, log);
  const isHere = (tuning: Tuning): boolean => tuning.runtimeVersion === identity.runtimeVersion && tuning.hardware === identity.hardware;
  return {
    find: (artefact) => tunings.find((tuning) => isHere(tuning) && tuning.artefact === artefact),
    list: () => tunings.filter(isHere),
    async keep(found) {
      const tuning = { ...found, ...identity };
      const others = tunings.filter((each) => !(isHere(each) && each.artefact === tuning.artefact));
      tunings = [...others, tuning].slice(-TUNINGS_MAXIMUM);
      await files.write(FILE, jsonEncode(tunings));
    },
  };
}

async function read(files: FileStore, log: Log): Promise<Tuning[]> {
  const bytes = await files.read(FILE);
  if (bytes === undefined) return [];
  try {
    return jsonDecode(bytes, z.array(tuningSchema));
  } catch (error) {
    log.warn('kept tunings cannot be read: models run with the usual settings', { reason: messageOf(error) });
    return [];
  }
}
