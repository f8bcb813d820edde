import { jsonDecode, StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { ShardTopics } from './device-topics.ts';

/** Where mosquitto takes commands of its dynamic security plugin, and where it answers. */
const CONTROL_TOPIC = '$CONTROL/dynamic-security/v1';
export const CONTROL_RESPONSE_TOPIC = `${CONTROL_TOPIC}/response`;
const ANSWER_TIMEOUT_MS = 10_000;

const answerSchema = z.object({
  responses: z.array(z.object({ command: z.string(), error: z.string().optional(), correlationData: z.string().optional() })),
});
type Answer = z.infer<typeof answerSchema>['responses'][number];

/** Logins and topic rules of devices, kept in mosquitto: it cannot ask anybody. */
export interface DynamicSecurity {
  /** Lets a device in by this password, and by no earlier one. @throws StarlingError `broker-unreachable`, `broker-refused` */
  admit(device: string, password: string): Promise<void>;
  /** Takes its login away, and cuts its connection. */
  expel(device: string): Promise<void>;
  admitOperator(account: string, password: string): Promise<void>;
  expelOperator(account: string): Promise<void>;
  /** What came on CONTROL_RESPONSE_TOPIC. */
  receive(payload: Uint8Array): void;
}

interface Role {
  rolename: string;
  publish: readonly string[];
  subscribe: readonly string[];
}

interface DynamicSecurityPorts {
  /** Of this process: mosquitto tells its answers to everyone who listens, and others number their commands too. */
  id: string;
  topics: Pick<ShardTopics, 'publishPatterns' | 'subscribePatterns' | 'operators'>;
  publish(topic: string, payload: string): Promise<void>;
}

export function createDynamicSecurity({ id, topics, publish }: DynamicSecurityPorts): DynamicSecurity {
  const waiting = new Map<string, (answer: Answer) => void>();
  let last = 0;

  /** @returns what went wrong with each, in order */
  const run = async (commands: Record<string, unknown>[]): Promise<(string | undefined)[]> => {
    const numbered = commands.map((command) => {
      last += 1;
      return { ...command, correlationData: `${id}/${last}` };
    });
    const answers = numbered.map(({ correlationData }) => answerTo(correlationData));
    await publish(CONTROL_TOPIC, JSON.stringify({ commands: numbered }));
    return Promise.all(answers);
  };
  const answerTo = (command: string): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(command);
        reject(
          new StarlingError('broker-unreachable', 'the broker does not answer on its control topic', {
            field: 'brokerLogins',
            hint: 'load the dynamic security plugin, and give the login of the fleet the role of its admin',
            retryable: true,
          }),
        );
      }, ANSWER_TIMEOUT_MS);
      waiting.set(command, ({ error }) => {
        clearTimeout(timer);
        waiting.delete(command);
        resolve(error);
      });
    });
  const create = async (username: string, password: string, { rolename, publish: sends, subscribe }: Role): Promise<void> => {
    const rules = (acltype: string, patterns: readonly string[]) => patterns.map((topic) => ({ acltype, topic, priority: 0, allow: true }));
    const [, , refused] = await run([
      // One of an earlier version may know fewer topics.
      { command: 'deleteRole', rolename },
      { command: 'createRole', rolename, acls: [...rules('publishClientSend', sends), ...rules('subscribePattern', subscribe)] },
      // Bound to the one client id: nobody cuts another off by taking its place.
      { command: 'createClient', username, clientid: username, password, roles: [{ rolename }] },
    ]);
    if (refused === undefined) return;
    throw new StarlingError('broker-refused', `the broker does not take the login of ${username}: ${refused}`, { field: 'brokerLogins' });
  };
  const remove = async (username: string, rolename: string): Promise<void> => {
    await run([
      { command: 'deleteClient', username },
      { command: 'deleteRole', rolename },
    ]);
  };
  const deviceRole = (device: string): string => `device-${device}`;
  const operatorRole = (account: string): string => `operator-${account}`;
  return {
    async admit(device, password) {
      const [unknown] = await run([{ command: 'setClientPassword', username: device, password }]);
      if (unknown === undefined) return;
      const [sends, subscribe] = [topics.publishPatterns(device), topics.subscribePatterns(device)];
      await create(device, password, { rolename: deviceRole(device), publish: sends, subscribe });
    },
    expel: (device) => remove(device, deviceRole(device)),
    admitOperator(account, password) {
      const { publish: sends, subscribe } = topics.operators.patterns(account);
      return create(account, password, { rolename: operatorRole(account), publish: [sends], subscribe: [subscribe] });
    },
    expelOperator: (account) => remove(account, operatorRole(account)),
    receive(payload) {
      for (const answer of jsonDecode(payload, answerSchema).responses) waiting.get(answer.correlationData ?? '')?.(answer);
    },
  };
}
