import { api } from '@starling/shared';
import { listAudit } from '../audit/index.ts';
import type { Accounts } from '../auth/index.ts';
import type { Database } from '../db/index.ts';
import { type ApiApp, route } from './route.ts';

export interface PeoplePorts {
  accounts: Accounts;
  db: Database;
}

export function peopleRoutes(app: ApiApp, { accounts, db }: PeoplePorts): void {
  route(app, api.whoAmI, ({ actor }) => actor);
  route(app, api.changePassword, async ({ body, context, actor }) => {
    await accounts.changePassword(context.req.raw.headers, body, actor);
    return {};
  });
  route(app, api.listUsers, async ({ query }) => ({ ...query, ...(await accounts.listUsers(query)) }));
  route(app, api.createUser, ({ body, actor }) => accounts.createUser(body, actor));
  route(app, api.changeUser, ({ params, body, actor }) => accounts.changeUser(params.id, body, actor));
  route(app, api.listApiTokens, async ({ query }) => ({ ...query, ...(await accounts.listTokens(query)) }));
  route(app, api.createApiToken, ({ body, actor }) => accounts.createToken(body, actor));
  route(app, api.revokeApiToken, async ({ params, actor }) => {
    await accounts.revokeToken(params.id, actor);
    return {};
  });
  route(app, api.listAudit, async ({ query }) => ({ limit: query.limit, offset: query.offset, ...(await listAudit(db, query)) }));
}
