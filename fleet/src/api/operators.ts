import { api } from '@starling/shared';
import type { OperatorAccounts } from '../operators/index.ts';
import { type ApiApp, route } from './route.ts';

export interface OperatorRoutePorts {
  operators: { accounts: OperatorAccounts };
  topicRoot: string;
  /** Cuts the connections of an account at once. */
  disconnectOperator(account: string): void;
}

/** Accounts for MQTT tools of people. */
export function operatorRoutes(app: ApiApp, { operators: { accounts }, topicRoot, disconnectOperator }: OperatorRoutePorts): void {
  route(app, api.listOperatorAccounts, async ({ query }) => ({ ...query, ...(await accounts.list(query)) }));
  route(app, api.createOperatorAccount, async ({ body, actor }) => ({ ...(await accounts.create(body, actor)), topicRoot }));
  route(app, api.revokeOperatorAccount, async ({ params, actor }) => {
    await accounts.revoke(params.name, actor);
    disconnectOperator(params.name);
    return {};
  });
}
