/** A data directory -> an agent as a service manager starts it: by its command line alone, and again when it has ended by itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface PlainAgent {
  /** Ends it at once, and does not start it again. Builds that replaced the one that was started have its process id. */
  kill(): Promise<void>;
  output(): string;
}

const program = fileURLToPath(new URL('../../agent/src/node/main.ts', import.meta.url));
const RESTART_MS = 500;

/** @param limitMs within which a new build has to be well */
export function runAgent(dataDirectory: string, limitMs = 40_000): PlainAgent {
  const args = [
    'run',
    '--data-directory',
    dataDirectory,
    '--http-port',
    '0',
    '--update-probation-ms',
    '1000',
    '--update-limit-ms',
    `${limitMs}`,
  ];
  let text = '';
  let isKilled = false;
  let child: ChildProcess;
  const start = (): void => {
    if (isKilled) return;
    child = spawn(process.execPath, ['--max-semi-space-size=4', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        text = (text + piece.toString()).slice(-20_000);
      });
    }
    child.once('exit', () => {
      setTimeout(start, RESTART_MS);
    });
  };
  start();
  return {
    output: () => text,
    async kill() {
      isKilled = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}
