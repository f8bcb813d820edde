import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { isUnderSystemd } from './config.ts';

const execute = promisify(execFile);

/** Tells systemd that the agent is up, or alive. Node cannot send datagrams to a Unix socket, so systemd's own tool does. */
export async function notifySystemd(messages: readonly string[]): Promise<void> {
  if (!isUnderSystemd()) return;
  await execute('systemd-notify', [...messages]).catch(() => undefined);
}
