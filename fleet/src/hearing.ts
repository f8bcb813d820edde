import { jsonEncode, wireTable } from '@starling/shared';
import type { ExternalBroker, ShardTopics } from './broker/index.ts';
import type { Devices } from './devices/index.ts';
import { createGreeter } from './shards/index.ts';

/** Which shards this process hears on a broker that is not ours. */
export interface Hearing {
  hear(shards: readonly string[]): Promise<void>;
  /** What it has sent may not have been believed. */
  again(): void;
  /**
   * The connection was away and is back.
   * @param missed devices to which something could not be sent meanwhile, whoever hears them
   */
  resumed(shards: readonly string[], missed: readonly string[]): void;
  close(): void;
}

/**
 * Whoever begins to hear a device asks it for a new hello: what it said while nobody heard it is said again, and nothing that counts
 * depends on the broker having kept it.
 */
export function createHearing(
  { broker, topics }: { broker: Pick<ExternalBroker, 'hear' | 'send'>; topics: ShardTopics },
  devices: Pick<Devices, 'watchShards' | 'leaveShards'>,
): Hearing {
  let heard: readonly string[] = [];
  const greeter = createGreeter((device, greet) =>
    broker.send(device, topics.build('greet', { device }), jsonEncode(greet), wireTable.greet.qos),
  );
  const resumed = (shards: readonly string[], missed: readonly string[]): void => {
    // Whoever hears them sends all of it again, from the database.
    greeter.greet(missed, 'broker-lost');
    devices.watchShards(shards).then(
      (online) => greeter.greet(online, 'broker-lost'),
      () => undefined,
    );
  };
  return {
    async hear(shards) {
      const added = shards.filter((shard) => !heard.includes(shard));
      const gone = heard.filter((shard) => !shards.includes(shard));
      const before = heard;
      heard = [...shards];
      // Left only when nothing of them comes any more: whoever speaks until then would count as unheard, and be asked for a hello that
      // nobody hears.
      try {
        await broker.hear(shards).finally(() => devices.leaveShards(gone));
        if (added.length > 0) greeter.greet(await devices.watchShards(added), 'handover');
      } catch (error) {
        // So that it is tried again.
        heard = before;
        throw error;
      }
    },
    resumed,
    again: () => resumed(heard, []),
    close: () => greeter.close(),
  };
}
