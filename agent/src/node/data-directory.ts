import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';

/**
 * Makes the data directory and claims it until this process ends, however it ends: the claim is a socket, which the operating system
 * takes back with the process.
 * @throws StarlingError `data-directory-in-use`
 */
export async function claimDataDirectory(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = await realpath(directory);
  const name = createHash('sha256').update(`starling-agent:${path}`).digest('hex').slice(0, 32);
  await new Promise<void>((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(new StarlingError('data-directory-failed', messageOf(cause), { cause }));
      const hint = 'stop the other agent, or give this one a data directory of its own';
      reject(new StarlingError('data-directory-in-use', `another agent works in ${path}`, { field: 'dataDirectory', hint }));
    });
    server.listen(process.platform === 'linux' ? `\0starling-${name}` : join(path, 'claim.sock'), resolve);
    server.unref();
  });
  return path;
}
