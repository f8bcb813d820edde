/** A runtime host -> the same, that gives up what keeps taking the whole tab with it. */
import { jsonDecode, jsonEncode, StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { FileStore } from '../../core/ports/file-store.ts';
import type { RuntimeHost } from '../../core/ports/runtime-host.ts';

export interface TabGuardPorts {
  files: FileStore;
  wallMs(): number;
  /** The last life of this tab was closed, left or loaded again, and not ended by the browser. */
  leftCleanly: boolean;
}

/** So often in a row may a tab end while it loads or tests a release. One by one: a battery runs empty too. */
export const ENDINGS_MAXIMUM = 3;
/** Then it is left alone for so long. What the tab shares its memory with may be gone by then. */
export const REST_MS = 86_400_000;
const FILE = 'on-trial.json';

/** The release that is loaded or tested now; after a start, that with which the last life of the tab ended. */
const trialSchema = z.object({ key: z.string(), begun: z.number().int().min(1), atMs: z.number() });
type Trial = z.infer<typeof trialSchema>;

/**
 * A worker that runs out of memory ends alone, and the supervisor counts its ends. Browsers may end the whole tab instead, which would come
 * back to the same release for ever. So a mark on the disk says what is on trial, and is taken away when the trial has ended in any other way.
 * @throws StarlingError `tab-ended` (retryable) by `load`, for a day
 */
export function guardTab(host: RuntimeHost, { files, wallMs, leftCleanly }: TabGuardPorts): RuntimeHost {
  let before = (leftCleanly ? files.remove(FILE).then(() => undefined) : readTrial(files)).catch(() => undefined);
  const end = async (): Promise<void> => {
    before = Promise.resolve(undefined);
    await files.remove(FILE).catch(() => undefined);
  };
  return {
    ...host,
    async load(release) {
      const { key } = release;
      const last = await before;
      const begun = last?.key === key ? last.begun : 0;
      if (last !== undefined && begun >= ENDINGS_MAXIMUM && wallMs() - last.atMs < REST_MS) throw tabEnded(begun);
      // A disk that takes no mark is no reason not to run.
      await files.write(FILE, jsonEncode({ key, begun: begun + 1, atMs: wallMs() } satisfies Trial)).catch(() => undefined);
      try {
        return await host.load(release);
      } catch (error) {
        await end();
        throw error;
      }
    },
    selfTest: (key) => host.selfTest(key).finally(end),
  };
}

async function readTrial(files: FileStore): Promise<Trial | undefined> {
  const bytes = await files.read(FILE);
  return bytes === undefined ? undefined : jsonDecode(bytes, trialSchema);
}

function tabEnded(times: number): StarlingError {
  return new StarlingError('tab-ended', `the browser ended this tab ${times} times in a row while it loaded or tested this release`, {
    retryable: true,
    hint: 'give this device a smaller model; it tries this one again in a day',
  });
}
