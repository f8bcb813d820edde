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

/** Releases that are on trial now, and those with which the last lives of the tab ended. */
const trialsSchema = z.array(z.object({ key: z.string(), begun: z.number().int().min(1), atMs: z.number() }));
type Trial = z.infer<typeof trialsSchema>[number];
/** More than two are never on trial in one life. */
const KEPT_MAXIMUM = 8;

/**
 * A worker that runs out of memory ends alone, and the supervisor counts its ends. Browsers may end the whole tab instead, which would come
 * back to the same release for ever. So a mark on the disk says what is on trial, and is taken away when the trial has ended in any other way.
 * @throws StarlingError `tab-ended` (retryable) by `load`, for a day
 */
export function guardTab(host: RuntimeHost, { files, wallMs, leftCleanly }: TabGuardPorts): RuntimeHost {
  let trials: Promise<Trial[]> = (leftCleanly ? files.remove(FILE).then(() => []) : readTrials(files)).catch(() => []);
  /** A disk that takes no mark is no reason not to run. */
  const change = (key: string, trial?: Trial): Promise<unknown> => {
    trials = trials.then(async (known) => {
      const next = [...known.filter((each) => each.key !== key), ...(trial === undefined ? [] : [trial])].slice(-KEPT_MAXIMUM);
      await (next.length === 0 ? files.remove(FILE) : files.write(FILE, jsonEncode(next))).catch(() => undefined);
      return next;
    });
    return trials;
  };
  return {
    ...host,
    async load(release) {
      const { key } = release;
      const last = (await trials).find((each) => each.key === key);
      if (last !== undefined && last.begun >= ENDINGS_MAXIMUM && wallMs() - last.atMs < REST_MS) throw tabEnded(last.begun);
      await change(key, { key, begun: (last?.begun ?? 0) + 1, atMs: wallMs() });
      try {
        return await host.load(release);
      } catch (error) {
        await change(key);
        throw error;
      }
    },
    selfTest: (key) => host.selfTest(key).finally(() => change(key)),
  };
}

async function readTrials(files: FileStore): Promise<Trial[]> {
  const bytes = await files.read(FILE);
  return bytes === undefined ? [] : jsonDecode(bytes, trialsSchema);
}

function tabEnded(times: number): StarlingError {
  return new StarlingError('tab-ended', `the browser ended this tab ${times} times in a row while it loaded or tested this release`, {
    retryable: true,
    hint: 'give this device a smaller model; it tries this one again in a day',
  });
}
