import { jsonEncode } from '@starling/shared';
import { expect, onTestFinished, test, vi } from 'vitest';
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

test('commands that do not leave are told once, and nothing waits for their answers', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  onTestFinished(() => void process.off('unhandledRejection', hear));
  const publish = () => Promise.reject(new Error('it is away'));
  const security = createDynamicSecurity({ id: 'p', topics: createShardTopics(undefined), publish });
  await expect(security.expel('a'.repeat(26))).rejects.toThrow('it is away');
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(unheard).toEqual([]);
});

test('commands on a connection that stalls are given up when no answer comes', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const security = createDynamicSecurity({ id: 'p', topics: createShardTopics(undefined), publish: () => new Promise(() => undefined) });
  const outcome = security.logins().catch((refused: { code: string }) => refused.code);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await outcome).toBe('broker-unreachable');
});

/** A broker with one client, which answers as mosquitto 2.0.11 does. @param refusal of whatever deletes a client */
function openBroker(username: string, rolename: string, refusal?: string) {
  const clients = new Map([[username, { username, roles: [{ rolename }] }]]);
  const answer = ({ command, username: asked = '' }: Command & { username?: string }): object => {
    const client = clients.get(asked);
    if (command === 'listClients') return { data: { totalCount: clients.size, clients: [...clients.values()] } };
    if (command === 'getClient') return client === undefined ? { error: 'Client not found' } : { data: { client } };
    if (command !== 'deleteClient') return {};
    if (refusal !== undefined) return { error: refusal };
    return clients.delete(asked) ? {} : { error: 'Client not found' };
  };
  const publish = async (_topic: string, payload: string): Promise<void> => {
    const { commands } = JSON.parse(payload) as { commands: (Command & { username?: string })[] };
    const responses = commands.map((each) => ({ command: each.command, correlationData: each.correlationData, ...answer(each) }));
    security.receive(jsonEncode({ responses }));
  };
  const security = createDynamicSecurity({ id: 'p', topics: createShardTopics(undefined), publish });
  return { security, clients };
}

test('a login is taken away, once', async () => {
  const { security, clients } = openBroker('line-4', 'operator-line-4');
  expect(await security.logins()).toEqual({ devices: [], operators: ['line-4'] });
  await security.expelOperator('line-4');
  await security.expelOperator('line-4');
  expect([...clients.keys()]).toEqual([]);
});

test('a login of the name that the fleet has not made is neither told nor taken away', async () => {
  const { security, clients } = openBroker('starling-fleet', 'admin');
  await security.expelOperator('starling-fleet');
  await security.expel('starling-fleet');
  expect(await security.logins()).toEqual({ devices: [], operators: [] });
  expect([...clients.keys()]).toEqual(['starling-fleet']);
});

test('a login that the broker does not let go of is an error that names it', async () => {
  const { security } = openBroker('line-4', 'operator-line-4', 'Internal error');
  await expect(security.expelOperator('line-4')).rejects.toMatchObject({
    code: 'broker-refused',
    message: 'the broker keeps the login of line-4: Internal error',
  });
});
