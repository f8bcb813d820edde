import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { letHeapGrow, readConfig, startFleet, systemClock, systemIds } from '@starling/fleet';

/** A fleet that also serves one plain file over HTTPS from the same process: `--file PATH` and then the flags of the fleet. */
const [, , , file = '', ...flags] = process.argv;
letHeapGrow();
const silent = (): void => undefined;
const fleet = await startFleet(readConfig(flags), {
  clock: systemClock,
  ids: systemIds,
  log: { debug: silent, info: silent, warn: console.warn, error: console.error },
});
const tls = join(fleet.dataDirectory, 'tls');
const server = createServer(
  { key: await readFile(join(tls, 'server-key.pem')), cert: await readFile(join(tls, 'server.pem')) },
  async (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': (await stat(file)).size });
    createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response);
  },
);
server.listen(0, () => {
  const address = server.address();
  const filePort = typeof address === 'object' && address !== null ? address.port : 0;
  const { addresses, publicUrl, firstLogin } = fleet;
  process.send?.({ type: 'ready', addresses, publicUrl, firstLogin, filePort });
});
process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
  fleet.close().then(() => process.exit(0));
});
