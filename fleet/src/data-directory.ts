import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';

/** A directory that this process alone works in. */
export interface DataDirectory {
  path: string;
  release(): Promise<void>;
}

/**
 * Claims a directory until this process ends, however it ends. The claim is a socket that the operating system takes back with the
 * process, so that kill -9 leaves nothing stale and two starters cannot both win.
 * @throws StarlingError `data-directory-in-use`
 */
export async function claimDataDirectory(directory: string): Promise<DataDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = await realpath(directory);
  const name = createHash('sha256').update(`starling-fleet:${path}`).digest('hex').slice(0, 32);
  // Linux: an abstract socket needs no file. Elsewhere a pipe of that name.
  const address = process.platform === 'linux' ? `\0starling-${name}` : join(path, 'claim.sock');
  const server = await listen(address, path);
  server.unref();
  return { path, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

function listen(address: string, path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(new StarlingError('data-directory-failed', messageOf(cause), { cause }));
      const hint = 'stop the other fleet, or give this one a dataDirectory of its own';
      reject(new StarlingError('data-directory-in-use', `another fleet works in ${path}`, { field: 'dataDirectory', hint }));
    });
    server.listen(address, () => resolve(server));
  });
}
