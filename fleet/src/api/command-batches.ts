import { api } from '@starling/shared';
import type { CommandBatches } from '../commands/index.ts';
import { type ApiApp, route } from './route.ts';

export interface CommandBatchRoutePorts {
  batches: CommandBatches;
}

/** Commands for many devices. */
export function commandBatchRoutes(app: ApiApp, { batches }: CommandBatchRoutePorts): void {
  route(app, api.createCommandBatch, ({ body, actor }) => batches.create(body, actor));
  route(app, api.listCommandBatches, async ({ query }) => {
    const { limit, offset } = query;
    return { limit, offset, ...(await batches.list(query)) };
  });
  route(app, api.showCommandBatch, ({ params }) => batches.show(params.id));
  route(app, api.listBatchTargets, async ({ params, query }) => {
    const { limit, offset } = query;
    return { limit, offset, ...(await batches.devices(params.id, query)) };
  });
  route(app, api.listBatchFailures, async ({ params, query }) => ({ ...query, ...(await batches.failures(params.id, query)) }));
  route(app, api.cancelCommandBatch, ({ params, actor }) => batches.cancel(params.id, actor));
}
