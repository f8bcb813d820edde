import { jsonEncode } from '@starling/shared';
import { expect, test } from 'vitest';
import { createShardTopics } from './device-topics.ts';
import { createDynamicSecurity } from './dynamic-security.ts';

interface Command {
  command: string;
  correlationData: string;
}

test('two processes at one mosquitto take no answer of the other for their own, though each hears both', async () => {
  const known = new Set(['a'.repeat(26)]);
  const everyone: { receive(payload: Uint8Array): void }[] = [];
  const made: string[] = [];
  const publish = async (_topic: string, payload: string): Promise<void> => {
    const { commands } = JSON.parse(payload) as { commands: (Command & { username?: string })[] };
    const responses = commands.map(({ command, correlationData, username = '' }) => {
      if (command === 'createClient') made.push(username);
      const isMissing = command === 'setClientPassword' && !known.has(username);
      return { command, correlationData, ...(isMissing ? { error: 'Client not found' } : {}) };
    });
    // Both have asked before either is answered.
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const each of everyone) each.receive(jsonEncode({ responses }));
  };
  const [first, second] = ['first', 'second'].map((id) => createDynamicSecurity({ id, topics: createShardTopics(undefined), publish }));
  everyone.push(...[first, second].filter((each) => each !== undefined));
  // The one is known there, the other has to be made: whoever mixes up the two answers makes the wrong one, or none.
  await Promise.all([first?.admit('a'.repeat(26), 'p'), second?.admit('b'.repeat(26), 'p')]);
  expect(made).toEqual(['b'.repeat(26)]);
});
