import { createHash, timingSafeEqual } from 'node:crypto';
import { deviceIdSchema, operatorAccountNameSchema } from '@starling/shared';
import type { ShardTopics } from './device-topics.ts';

/** Brokers that ask the fleet over HTTP who may connect, publish and subscribe. */
export interface AskedByBroker {
  /** @param clientId undefined where a broker does not tell */
  mayLogIn(username: string, password: string, clientId: string | undefined): Promise<boolean>;
  /** @param topic with the wildcards of MQTT where it is a filter */
  mayUse(username: string, action: 'publish' | 'subscribe', topic: string): boolean;
  /** Queues and exchanges by which RabbitMQ serves MQTT. */
  mayUseResource(username: string, resource: { kind: string; name: string; permission: string }): boolean;
  /** Is it anybody of this fleet? */
  isKnown(username: string): boolean;
}

interface AskedPorts {
  topics: Pick<ShardTopics, 'mayPublish' | 'maySubscribe' | 'operators'>;
  /** The login of the fleet itself. */
  fleet: { username: string; password: string };
  checkPassword(device: string, password: string): Promise<boolean>;
  checkOperator(account: string, password: string): Promise<boolean>;
}

export function createAskedByBroker({ topics, fleet, checkPassword, checkOperator }: AskedPorts): AskedByBroker {
  const isFleet = (username: string): boolean => username === fleet.username;
  const isDevice = (username: string): boolean => deviceIdSchema.safeParse(username).success;
  const isOperator = (username: string): boolean => !isDevice(username) && operatorAccountNameSchema.safeParse(username).success;
  return {
    async mayLogIn(username, password, clientId) {
      if (isFleet(username)) return isSame(password, fleet.password);
      // Attack: take the place of another, whom a broker then cuts off, and whose messages it may have kept.
      if (isOperator(username)) return (clientId === undefined || isClientOf(username, clientId)) && checkOperator(username, password);
      if (!isDevice(username) || (clientId !== undefined && clientId !== username)) return false;
      return checkPassword(username, password);
    },
    mayUse(username, action, topic) {
      if (isFleet(username)) return true;
      if (isDevice(username)) return (action === 'publish' ? topics.mayPublish : topics.maySubscribe)(username, topic);
      const { operatorPublishes, operatorSubscribes } = topics.operators;
      return isOperator(username) && (action === 'publish' ? operatorPublishes : operatorSubscribes)(username, topic);
    },
    mayUseResource(username, { kind, name, permission }) {
      if (isFleet(username)) return true;
      if (!isDevice(username) && !isOperator(username)) return false;
      // Of its MQTT plugin: a queue for each client and quality, bound to one exchange. Which topics, is asked apart.
      if (kind === 'queue') {
        const [, clientId] = /^mqtt-subscription-(.*)qos[01]$/.exec(name) ?? [];
        return clientId !== undefined && (isDevice(username) ? clientId === username : isClientOf(username, clientId));
      }
      return kind === 'exchange' && name === 'amq.topic' && permission !== 'configure';
    },
    isKnown: (username) => isFleet(username) || isDevice(username) || isOperator(username),
  };
}

/** Tools of one account may have several connections: `line-4`, `line-4/listener`. No name of an account has a slash. */
function isClientOf(account: string, clientId: string): boolean {
  return clientId === account || clientId.startsWith(`${account}/`);
}

/** Compares without telling by its time how much of it is right. */
export function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * A topic of MQTT as RabbitMQ has it in routing keys, back again: `.` stands for `/`, and `*` for `+`.
 * @returns undefined for a key that no topic of ours becomes: a `/` in it was a `.` of the device's
 */
export function topicOfRoutingKey(key: string): string | undefined {
  return key.includes('/') || key.includes('+') ? undefined : key.replaceAll('.', '/').replaceAll('*', '+');
}
