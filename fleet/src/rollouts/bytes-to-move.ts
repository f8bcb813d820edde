import { missingBytes, type Weight, weigh } from '../releases/index.ts';
import type { RolloutPorts } from './ports.ts';

/** What a device has or gets. */
export interface Pinned {
  release: string | null;
  artefacts: Readonly<Record<string, string>>;
}

/** Pairs of what many devices have and get are few: each is worked out once. */
const ENTRIES_MAXIMUM = 2_000;
const nothing: Weight = new Map();

/** Bytes that a device has to fetch to come from one release with its artefacts to another. */
export function createByteCounter(
  ports: Pick<RolloutPorts, 'blobs' | 'models' | 'releases'>,
): (from: Pinned, to: Pinned) => Promise<number> {
  const weights = new Map<string, Promise<Weight>>();
  const bytes = new Map<string, Promise<number>>();
  const remember = <Value>(memory: Map<string, Promise<Value>>, key: string, work: () => Promise<Value>): Promise<Value> => {
    const known = memory.get(key);
    if (known !== undefined) return known;
    if (memory.size >= ENTRIES_MAXIMUM) memory.clear();
    const value = work();
    memory.set(key, value);
    value.catch(() => memory.delete(key));
    return value;
  };
  const weightOf = ({ release, artefacts }: Pinned): Promise<Weight> =>
    release === null
      ? Promise.resolve(nothing)
      : remember(weights, keyOf({ release, artefacts }), async () =>
          weigh((await ports.releases.find(release)).document, artefacts, ports),
        );
  return (from, to) => remember(bytes, `${keyOf(from)} ${keyOf(to)}`, async () => missingBytes(await weightOf(to), await weightOf(from)));
}

function keyOf({ release, artefacts }: Pinned): string {
  return `${release}:${Object.keys(artefacts)
    .sort()
    .map((model) => artefacts[model])
    .join('.')}`;
}
