import { covers, type Topics } from '@starling/shared';
import type { Aedes, Client } from 'aedes';

/** Connections of people's own tools. Several may be open under one account, each with a client id of its own choice. */
export interface OperatorClients {
  /** Gives a connection a client id that nothing else can have, so that a tool cannot push a device out by taking its id. */
  admit(client: Client, account: string): void;
  accountOf(client: Client | null): string | undefined;
  left(client: Client): void;
  /** @returns false if nobody of the account listens to the topic */
  send(account: string, topic: string, payload: Uint8Array, qos: 0 | 1): Promise<boolean>;
  disconnect(account: string): Promise<void>;
  /** Accounts of which somebody is connected. */
  connected(): string[];
}

/** Connections of one account: a script that leaves its own open must not take those of the devices. */
const CONNECTIONS_MAXIMUM = 50;

export function createOperatorClients(aedes: Aedes, topics: Topics): OperatorClients {
  const accounts = new Map<Client, string>();
  const filters = new Map<Client, Set<string>>();
  const ofAccount = (account: string): Client[] => [...accounts].flatMap(([client, name]) => (name === account ? [client] : []));

  aedes.on('subscribe', (subscriptions, client) => {
    const own = filters.get(client);
    for (const { topic } of subscriptions) if (topics.operatorSubscribes(accounts.get(client) ?? '', topic)) own?.add(topic);
  });
  aedes.on('unsubscribe', (topicsLeft, client) => {
    for (const topic of topicsLeft) filters.get(client)?.delete(topic);
  });
  return {
    admit(client, account) {
      const [oldest, ...others] = ofAccount(account);
      if (others.length + 1 >= CONNECTIONS_MAXIMUM) oldest?.conn.destroy();
      client.id = `operator ${account} ${client.id}`;
      accounts.set(client, account);
      filters.set(client, new Set());
    },
    accountOf: (client) => (client === null ? undefined : accounts.get(client)),
    left(client) {
      accounts.delete(client);
      filters.delete(client);
    },
    async send(account, topic, payload, qos) {
      const listening = ofAccount(account).filter((client) => [...(filters.get(client) ?? [])].some((filter) => covers(filter, topic)));
      // Straight to each: through the emitter one that has stalled would hold up the others.
      const sent = listening.map(
        (client) =>
          new Promise<boolean>((resolve) => {
            const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), qos, retain: false, dup: false };
            client.publish(packet, (error) => resolve(error === undefined || error === null));
          }),
      );
      return (await Promise.all(sent)).some(Boolean);
    },
    connected: () => [...new Set(accounts.values())],
    async disconnect(account) {
      for (const client of ofAccount(account)) client.conn.destroy();
    },
  };
}
