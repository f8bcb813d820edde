/** Debian's Postgres -> a database of a fleet on a server of its own, which ends with it. */
import { type OpenDatabase, openDatabase } from '../../fleet/src/db/index.ts';
import { startPostgres } from './postgres.ts';

/** @param program absolute path of `postgres` */
export async function openOnPostgres(program: string): Promise<OpenDatabase> {
  const server = await startPostgres(program);
  const opened = await openDatabase({ url: server.url, directory: '' });
  return {
    ...opened,
    async close() {
      await opened.close();
      await server.stop();
    },
  };
}
