import { api, StarlingError } from '@starling/shared';
import type { OperatorAccounts } from '../operators/index.ts';
import { type ApiApp, route } from './route.ts';

export interface OperatorRoutePorts {
  operators: { accounts: OperatorAccounts };
  /** The way to their tools; undefined where the broker is not ours, which lets none of them in. */
  operatorLink: { topicRoot: string; disconnect(account: string): void } | undefined;
}

/** Accounts for MQTT tools of people. */
export function operatorRoutes(app: ApiApp, { operators: { accounts }, operatorLink }: OperatorRoutePorts): void {
  route(app, api.listOperatorAccounts, async ({ query }) => ({ ...query, ...(await accounts.list(query)) }));
  route(app, api.createOperatorAccount, async ({ body, actor }) => {
    if (operatorLink === undefined) {
      throw new StarlingError('not-supported', 'operator accounts log in at the broker that is built in, and this fleet has another', {
        field: 'name',
        hint: 'send commands by the CLI or the REST API',
      });
    }
    return { ...(await accounts.create(body, actor)), topicRoot: operatorLink.topicRoot };
  });
  route(app, api.revokeOperatorAccount, async ({ params, actor }) => {
    await accounts.revoke(params.name, actor);
    operatorLink?.disconnect(params.name);
    return {};
  });
}
