import { sha256 } from '@noble/hashes/sha2.js';
import { armAt, parseTraceparent, pointOf, splitText, traceparentSchema } from '@starling/shared';
import type { HostExperiment, InferOptions } from '../ports/runtime-host.ts';

/** Where one item goes. */
export interface ChosenArm {
  /** Load key of the release that is to answer; undefined: the champion. */
  arm?: string;
  /** Load keys of the releases that get a copy. */
  mirrors?: string[];
}

export type ArmChooser = (options: Pick<InferOptions, 'source' | 'timeMs' | 'item' | 'traceparent'>) => ChosenArm;

const encoder = new TextEncoder();

/**
 * Sends each item where its hash says: the same item or stream always the same way, on any device and after any start. Synchronous, since
 * items of one stream must not overtake each other here.
 */
export function createArmChooser(experiment: HostExperiment, wallMs: () => number): ArmChooser {
  const { id, mode, key, arms } = experiment;
  const shares = arms.map(({ share }) => share);
  let nameless = 0;
  const keyOf = ({ source = '', timeMs, item, traceparent }: Parameters<ArmChooser>[0]): string => {
    if (key === 'stream') return source;
    if (item !== undefined) return item;
    const trace = traceparentSchema.safeParse(traceparent).data;
    if (trace !== undefined) return parseTraceparent(trace).traceId;
    if (timeMs !== undefined) return `${source}\n${timeMs}`;
    // Nobody can ask for this one again: it goes any way.
    nameless += 1;
    return `${source}\n${wallMs()}\n${nameless}`;
  };
  const pointAt = (text: string): number => pointOf(sha256(encoder.encode(splitText(id, text))));
  return (options) => {
    const point = pointAt(keyOf(options));
    if (mode === 'shadow') {
      const mirrors = arms.flatMap(({ key: arm, share }) => (arm !== null && point < share ? [arm] : []));
      return mirrors.length === 0 ? {} : { mirrors };
    }
    const chosen = arms[armAt(shares, point) ?? -1]?.key ?? null;
    return chosen === null ? {} : { arm: chosen };
  };
}
