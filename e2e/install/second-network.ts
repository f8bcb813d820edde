import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A network namespace of its own, joined to this machine by one virtual cable: another machine, as far as sockets can tell. */
export interface SecondNetwork {
  /** Address of this machine as seen from there. */
  hostAddress: string;
  /** Words to put in front of a command to run it there. */
  enter: readonly string[];
  close(): Promise<void>;
}

/**
 * @param third byte of its addresses, so that two of them can be open at once
 * @returns undefined where the system does not let this user make one
 */
export async function openSecondNetwork(ip: string, name: string, third = 77): Promise<SecondNetwork | undefined> {
  const hostAddress = `10.231.${third}.1`;
  const run = (...args: string[]) => execute(ip, args);
  const close = async (): Promise<void> => {
    await run('netns', 'delete', name).catch(() => undefined);
    await run('link', 'delete', `${name}-a`).catch(() => undefined);
  };
  await close();
  try {
    await run('netns', 'add', name);
    await run('link', 'add', `${name}-a`, 'type', 'veth', 'peer', 'name', `${name}-b`, 'netns', name);
    await run('address', 'add', `${hostAddress}/30`, 'dev', `${name}-a`);
    await run('link', 'set', `${name}-a`, 'up');
    await run('-n', name, 'address', 'add', `10.231.${third}.2/30`, 'dev', `${name}-b`);
    await run('-n', name, 'link', 'set', `${name}-b`, 'up');
    await run('-n', name, 'link', 'set', 'lo', 'up');
    return { hostAddress, enter: [ip, 'netns', 'exec', name], close };
  } catch {
    await close();
    return undefined;
  }
}
