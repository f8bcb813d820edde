import { createHash } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';

/** A directory that this process alone works in. */
export interface DataDirectory {
  path: string;
  release(): Promise<void>;
}

/** sun_path has 108 bytes on Linux and 104 on macOS, with a zero at the end. */
const SOCKET_PATH_BYTES_MAXIMUM = 103;

/**
 * Claims a directory until this process ends, however it ends. The claim is a socket that the operating system takes back with the
 * process, so that kill -9 leaves nothing stale. On Linux it is one without a file, so that of two starters one wins; but such a name
 * is known in one network namespace only, and containers share volumes across them: so a socket in the directory is asked as well.
 * @throws StarlingError `data-directory-in-use`
 */
export async function claimDataDirectory(directory: string): Promise<DataDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = await realpath(directory);
  const name = createHash('sha256').update(`starling-fleet:${path}`).digest('hex').slice(0, 32);
  const servers: Server[] = [];
  const release = async (): Promise<void> => {
    for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  try {
    if (process.platform === 'linux') servers.push(await listen(`\0starling-${name}`, path));
    const file = join(path, 'claim.sock');
    if (Buffer.byteLength(file) <= SOCKET_PATH_BYTES_MAXIMUM) {
      if (await answers(file)) throw inUse(path);
      // Whoever made it has ended.
      await rm(file, { force: true });
      servers.push(await listen(file, path));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { path, release };
}

function listen(address: string, path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? inUse(path) : new StarlingError('data-directory-failed', messageOf(cause), { cause })),
    );
    server.listen(address, () => resolve(server));
    server.unref();
  });
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function inUse(path: string): StarlingError {
  const hint = 'stop the other fleet, or give this one a dataDirectory of its own';
  return new StarlingError('data-directory-in-use', `another fleet works in ${path}`, { field: 'dataDirectory', hint });
}
