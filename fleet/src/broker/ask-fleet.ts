import { createHash, timingSafeEqual } from 'node:crypto';
import { deviceIdSchema } from '@starling/shared';
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
  topics: Pick<ShardTopics, 'mayPublish' | 'maySubscribe'>;
  /** The login of the fleet itself. */
  fleet: { username: string; password: string };
  checkPassword(device: string, password: string): Promise<boolean>;
}

export function createAskedByBroker({ topics, fleet, checkPassword }: AskedPorts): AskedByBroker {
  const isFleet = (username: string): boolean => username === fleet.username;
  const isDevice = (username: string): boolean => deviceIdSchema.safeParse(username).success;
  return {
    async mayLogIn(username, password, clientId) {
      if (isFleet(username)) return isSame(password, fleet.password);
      // Attack: take the place of another device, which a broker then cuts off.
      if (!isDevice(username) || (clientId !== undefined && clientId !== username)) return false;
      return checkPassword(username, password);
    },
    mayUse(username, action, topic) {
      if (isFleet(username)) return true;
      return isDevice(username) && (action === 'publish' ? topics.mayPublish : topics.maySubscribe)(username, topic);
    },
    mayUseResource(username, { kind, name, permission }) {
      if (isFleet(username)) return true;
      if (!isDevice(username)) return false;
      // Of its MQTT plugin: a queue for each client and quality, bound to one exchange. Which topics, is asked apart.
      if (kind === 'queue') return [0, 1].some((qos) => name === `mqtt-subscription-${username}qos${qos}`);
      return kind === 'exchange' && name === 'amq.topic' && permission !== 'configure';
    },
    isKnown: (username) => isFleet(username) || isDevice(username),
  };
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
