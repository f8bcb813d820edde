import { expect, test } from 'vitest';
import { createShardTopics } from './broker/index.ts';
import { createHearing } from './hearing.ts';

const topics = createShardTopics(undefined);

/** What is heard and watched, and in which order that changes. */
function start() {
  const steps: string[] = [];
  const broker = {
    fails: false,
    async hear(shards: readonly string[]) {
      await Promise.resolve();
      steps.push(`hears ${shards.join()}`);
      if (broker.fails) throw new Error('the broker is away');
    },
    send: async () => true,
  };
  const devices = {
    async watchShards(shards: readonly string[]) {
      steps.push(`watches ${shards.join()}`);
      return [];
    },
    async leaveShards(shards: readonly string[]) {
      if (shards.length > 0) steps.push(`leaves ${shards.join()}`);
    },
  };
  return { steps, broker, hearing: createHearing({ broker, topics }, devices) };
}

test('devices are watched once they are heard, and until they are not heard any more', async () => {
  const { steps, hearing } = start();
  await hearing.hear(['a', 'b']);
  await hearing.hear(['b', 'c']);
  hearing.close();
  expect(steps).toEqual(['hears a,b', 'watches a,b', 'hears b,c', 'leaves a', 'watches c']);
});

test('they are left too where the broker is away', async () => {
  const { steps, broker, hearing } = start();
  await hearing.hear(['a']);
  broker.fails = true;
  await expect(hearing.hear([])).rejects.toThrow('the broker is away');
  hearing.close();
  expect(steps.at(-1)).toBe('leaves a');
});

test('devices that could not be heard are asked for again, and watched then', async () => {
  const { steps, broker, hearing } = start();
  broker.fails = true;
  await expect(hearing.hear(['a'])).rejects.toThrow('the broker is away');
  broker.fails = false;
  await hearing.hear(['a']);
  hearing.close();
  expect(steps).toEqual(['hears a', 'hears a', 'watches a']);
});
