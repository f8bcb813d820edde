import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { z } from 'zod';

/**
 * PGlite in a thread of its own, spoken to by the Postgres protocol over a socket in the data directory: its queries block their
 * thread, and with the protocol in between the rest of the fleet cannot tell it from a Postgres server.
 */
const { directory, socketPath } = z.object({ directory: z.string(), socketPath: z.string() }).parse(workerData);

const database = await PGlite.create(directory);
const server = new PGLiteSocketServer({ db: database, path: socketPath, maxConnections: 4 });
await server.start();
parentPort?.postMessage('ready');
parentPort?.once('message', () => {
  server
    .stop()
    .then(() => database.close())
    .then(() => parentPort?.postMessage('closed'));
});
