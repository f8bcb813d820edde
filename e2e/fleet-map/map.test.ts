import { openDatabase } from '../../fleet/src/db/index.ts';
import { mapContract } from '../../fleet/src/devices/map.contract.ts';
import { startPostgres } from '../harness/postgres.ts';
import { describeWith } from '../harness/requires.ts';

describeWith(['postgres'], 'the fleet at a glance', ({ postgres }) => {
  mapContract('Postgres', async () => {
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
