import { jsonDecode, StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { ShardTopics } from './device-topics.ts';

/** Where mosquitto takes commands of its dynamic security plugin, and where it answers. */
const CONTROL_TOPIC = '$CONTROL/dynamic-security/v1';
export const CONTROL_RESPONSE_TOPIC = `${CONTROL_TOPIC}/response`;
const ANSWER_TIMEOUT_MS = 10_000;
const CLIENTS_PER_PAGE = 500;
const NO_CLIENT = 'Client not found';

const clientSchema = z.object({ username: z.string(), roles: z.array(z.object({ rolename: z.string() })) });
const answerSchema = z.object({
  responses: z.array(
    z.object({
      command: z.string(),
      error: z.string().optional(),
      correlationData: z.string().optional(),
      data: z
        .object({ totalCount: z.number(), client: clientSchema, clients: z.array(clientSchema) })
        .partial()
        .optional()
        .catch(undefined),
    }),
  ),
});
type Answer = z.infer<typeof answerSchema>['responses'][number];

/** Logins and topic rules of devices, kept in mosquitto: it cannot ask anybody. */
export interface DynamicSecurity {
  /** Lets a device in by this password, and by no earlier one. @throws StarlingError `broker-unreachable`, `broker-refused` */
  admit(device: string, password: string): Promise<void>;
  /** Takes its login away, and cuts its connection. One that is not there, or was not made by a fleet, is left as it is. */
  expel(device: string): Promise<void>;
  admitOperator(account: string, password: string): Promise<void>;
  expelOperator(account: string): Promise<void>;
  /** All that a fleet has made, this one or another at the same broker. */
  logins(): Promise<{ devices: string[]; operators: string[] }>;
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
  const waiting = new Map<string, { receive(answer: Answer): void; forget(): void }>();
  let last = 0;

  const run = async (commands: Record<string, unknown>[]): Promise<Answer[]> => {
    const numbered = commands.map((command) => {
      last += 1;
      return { ...command, correlationData: `${id}/${last}` };
    });
    const answers = Promise.all(numbered.map(({ correlationData }) => answerTo(correlationData)));
    // Nobody waits for the answers to commands that do not leave.
    answers.catch(() => undefined);
    try {
      // A connection that stalls may never say that it is gone: then the answers are late, and that is the end of it.
      await Promise.race([publish(CONTROL_TOPIC, JSON.stringify({ commands: numbered })), answers]);
    } catch (error) {
      for (const { correlationData } of numbered) waiting.get(correlationData)?.forget();
      throw error;
    }
    return answers;
  };
  const answerTo = (command: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const forget = (): void => {
        clearTimeout(timer);
        waiting.delete(command);
      };
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
      const receive = (answer: Answer): void => {
        forget();
        resolve(answer);
      };
      waiting.set(command, { receive, forget });
    });
  const create = async (username: string, password: string, { rolename, publish: sends, subscribe }: Role): Promise<void> => {
    const rules = (acltype: string, patterns: readonly string[]) => patterns.map((topic) => ({ acltype, topic, priority: 0, allow: true }));
    const [, , made] = await run([
      // One of an earlier version may know fewer topics.
      { command: 'deleteRole', rolename },
      { command: 'createRole', rolename, acls: [...rules('publishClientSend', sends), ...rules('subscribePattern', subscribe)] },
      // Bound to the one client id: nobody cuts another off by taking its place.
      { command: 'createClient', username, clientid: username, password, roles: [{ rolename }] },
    ]);
    if (made?.error === undefined) return;
    throw new StarlingError('broker-refused', `the broker does not take the login of ${username}: ${made.error}`, {
      field: 'brokerLogins',
    });
  };
  const remove = async (username: string, rolename: string): Promise<void> => {
    const [found] = await run([{ command: 'getClient', username }]);
    // Attack: an account by the name of a login that is not ours, such as the one of the fleet itself, to have it deleted with the account.
    const client = found?.data?.client;
    if (client === undefined && found?.error !== NO_CLIENT) throw kept(username, found?.error ?? 'it does not tell of it');
    if (client?.roles.some((role) => role.rolename === rolename) !== true) return;
    // Together: between the two another process may let the same one in anew, whose role this would take.
    const [gone] = await run([
      { command: 'deleteClient', username },
      { command: 'deleteRole', rolename },
    ]);
    if (gone?.error !== undefined && gone.error !== NO_CLIENT) throw kept(username, gone.error);
  };
  const deviceRole = (device: string): string => `device-${device}`;
  const operatorRole = (account: string): string => `operator-${account}`;
  return {
    async admit(device, password) {
      const [changed] = await run([{ command: 'setClientPassword', username: device, password }]);
      if (changed?.error === undefined) return;
      const [sends, subscribe] = [topics.publishPatterns(device), topics.subscribePatterns(device)];
      await create(device, password, { rolename: deviceRole(device), publish: sends, subscribe });
    },
    expel: (device) => remove(device, deviceRole(device)),
    admitOperator(account, password) {
      const { publish: sends, subscribe } = topics.operators.patterns(account);
      return create(account, password, { rolename: operatorRole(account), publish: [sends], subscribe: [subscribe] });
    },
    expelOperator: (account) => remove(account, operatorRole(account)),
    async logins() {
      const devices: string[] = [];
      const operators: string[] = [];
      for (let offset = 0, total = 1; offset < total; offset += CLIENTS_PER_PAGE) {
        const [page] = await run([{ command: 'listClients', verbose: true, count: CLIENTS_PER_PAGE, offset }]);
        if (page?.data?.clients === undefined)
          throw new StarlingError('broker-refused', `the broker does not tell its logins: ${page?.error ?? 'no list'}`, {
            field: 'brokerLogins',
          });
        total = page.data.totalCount ?? 0;
        for (const { username, roles } of page.data.clients) {
          const has = (rolename: string): boolean => roles.some((role) => role.rolename === rolename);
          if (has(deviceRole(username))) devices.push(username);
          else if (has(operatorRole(username))) operators.push(username);
        }
      }
      return { devices, operators };
    },
    receive(payload) {
      for (const answer of jsonDecode(payload, answerSchema).responses) waiting.get(answer.correlationData ?? '')?.receive(answer);
    },
  };
}

function kept(username: string, why: string): StarlingError {
  return new StarlingError('broker-refused', `the broker keeps the login of ${username}: ${why}`, { field: 'brokerLogins' });
}
