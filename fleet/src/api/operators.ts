import { api } from '@starling/shared';
import type { OperatorAccounts } from '../operators/index.ts';
import { type ApiApp, route } from './route.ts';

/** The way to the tools of people. */
export interface OperatorLink {
  topicRoot: string;
  /** Lets an account in at the broker. @throws StarlingError `broker-unreachable`, `broker-refused` */
  admit(account: string, password: string): Promise<void>;
  /** Ends its login and its connection. Never rejects: a broker that is away is told later. */
  disconnect(account: string): Promise<void>;
}

export interface OperatorRoutePorts {
  operators: { accounts: OperatorAccounts };
  operatorLink: OperatorLink;
}

/** Accounts for MQTT tools of people. */
export function operatorRoutes(app: ApiApp, { operators: { accounts }, operatorLink }: OperatorRoutePorts): void {
  route(app, api.listOperatorAccounts, async ({ query }) => ({ ...query, ...(await accounts.list(query)) }));
  route(app, api.createOperatorAccount, async ({ body, actor }) => {
    const made = await accounts.create(body, actor);
    try {
      await operatorLink.admit(body.name, made.password);
    } catch (error) {
      // Its password is told nobody: an account without a login is of no use.
      await accounts.revoke(body.name, actor);
      throw error;
    }
    return { ...made, topicRoot: operatorLink.topicRoot };
  });
  route(app, api.revokeOperatorAccount, async ({ params, actor }) => {
    await accounts.revoke(params.name, actor);
    await operatorLink.disconnect(params.name);
    return {};
  });
}
