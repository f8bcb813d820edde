import { type Assignment, digestSchema, jsonDecode, jsonEncode, messageOf } from '@starling/shared';
import { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import type { FileStore } from '../ports/file-store.ts';
import type { Log } from '../ports/log.ts';
import type { RuntimeIdentity } from '../ports/runtime-identity.ts';

/** Whether an artefact computes here what it computed where it was built. It holds for one engine on one hardware. */
export const verdictSchema = z.object({
  artefact: digestSchema,
  provider: z.string(),
  runtimeVersion: z.string(),
  hardware: z.string(),
  passed: z.boolean(),
  maximumError: z.number(),
  /** Why it was refused. */
  code: z.string().optional(),
  reason: z.string().optional(),
  atMs: z.number(),
});
export type Verdict = z.infer<typeof verdictSchema>;

export type NewVerdict = Omit<Verdict, 'runtimeVersion' | 'hardware' | 'atMs'>;

/** Verdicts of this device, on disk. */
export interface Verdicts {
  /** Why the artefact does not run with this engine on this hardware; undefined if nothing speaks against it. */
  refusal(artefact: string): Verdict | undefined;
  /** @returns whether this is news: unknown until now, or other than before */
  note(verdict: NewVerdict): Promise<boolean>;
}

/** Whether a verdict speaks against any artefact of it. */
export function isRefused({ artefacts }: Assignment, verdicts: Verdicts): boolean {
  return Object.values(artefacts).some((artefact) => verdicts.refusal(artefact) !== undefined);
}

const FILE = 'golden-verdicts';
/** Newest verdicts that are kept: a device has few artefacts, and losing one only means testing it again. */
const VERDICTS_MAXIMUM = 256;
const REASON_LENGTH = 500;

export async function openVerdicts(files: FileStore, identity: RuntimeIdentity, clock: Clock, log: Log): Promise<Verdicts> {
  let verdicts = await read(files, log);
  let writing: Promise<void> = Promise.resolve();
  const isHere = (verdict: Verdict): boolean =>
    verdict.runtimeVersion === identity.runtimeVersion && verdict.hardware === identity.hardware;
  const same = (one: Verdict, other: Verdict): boolean =>
    one.artefact === other.artefact && one.provider === other.provider && isHere(one) === isHere(other);

  return {
    refusal: (artefact) => verdicts.find((verdict) => isHere(verdict) && verdict.artefact === artefact && !verdict.passed),
    async note({ reason, ...found }) {
      const text = reason === undefined ? {} : { reason: reason.slice(0, REASON_LENGTH) };
      const verdict: Verdict = { ...found, ...text, ...identity, atMs: Math.round(clock.wallMs()) };
      const before = verdicts.find((each) => isHere(each) && same(each, verdict));
      if (before?.passed === verdict.passed) return false;
      verdicts = [...verdicts.filter((each) => each !== before), verdict].slice(-VERDICTS_MAXIMUM);
      const bytes = jsonEncode(verdicts);
      writing = writing
        .then(() => files.write(FILE, bytes))
        .catch((error: unknown) => log.warn('verdicts were not kept', { reason: messageOf(error) }));
      await writing;
      return true;
    },
  };
}

async function read(files: FileStore, log: Log): Promise<Verdict[]> {
  const bytes = await files.read(FILE);
  if (bytes === undefined) return [];
  try {
    return jsonDecode(bytes, z.array(verdictSchema));
  } catch (error) {
    log.warn('kept verdicts cannot be read: artefacts are tested again', { reason: messageOf(error) });
    return [];
  }
}
