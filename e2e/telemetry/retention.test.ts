import { openDatabase } from '../../fleet/src/db/index.ts';
import { retentionContract } from '../../fleet/src/telemetry/retention.contract.ts';
import { startPostgres } from '../harness/postgres.ts';
import { describeWith } from '../harness/requires.ts';

describeWith(['postgres'], 'telemetry in time', ({ postgres }) => {
  retentionContract('Postgres', async () => {
    const server = await startPostgres(postgres);
    const opened = await openDatabase({ url: server.url, directory: '' });
    return {
      ...opened,
      async close() {
        await opened.close();
        await server.stop();
      },
    };
  });
});
