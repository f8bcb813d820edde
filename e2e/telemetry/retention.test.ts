import { type OpenDatabase, openDatabase } from '../../fleet/src/db/index.ts';
import { recordsContract } from '../../fleet/src/telemetry/records.contract.ts';
import { retentionContract } from '../../fleet/src/telemetry/retention.contract.ts';
import { startPostgres } from '../harness/postgres.ts';
import { describeWith } from '../harness/requires.ts';

describeWith(['postgres'], 'telemetry in time', ({ postgres }) => {
  const open = async (): Promise<OpenDatabase> => {
    const server = await startPostgres(postgres);
    const opened = await openDatabase({ url: server.url, directory: '' });
    return {
      ...opened,
      async close() {
        await opened.close();
        await server.stop();
      },
    };
  };
  recordsContract('Postgres', open);
  retentionContract('Postgres', open);
});
