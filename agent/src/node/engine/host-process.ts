import { fork } from 'node:child_process';
import { type HostReply, type HostRequest, superviseHost } from '../../core/hosting/index.ts';
import type { RuntimeHost } from '../../core/ports/runtime-host.ts';
import { createSystemClock } from '../clock.ts';
import type { HostConfig } from './host-config.ts';
import { memoryEnvironment } from './memory.ts';

export interface HostProcessOptions extends HostConfig {
  /** Module of the runtime host: `runtime-host.ts` from source, `.js` in a package. */
  hostFile: URL;
  environment: Readonly<Record<string, string | undefined>>;
}

/** The runtime host as a child process. */
export function createHostProcess(options: HostProcessOptions): RuntimeHost {
  const config: HostConfig = {
    dataDirectory: options.dataDirectory,
    machine: options.machine,
    runTimeoutMs: options.runTimeoutMs,
    workerFile: options.workerFile,
    scriptFile: options.scriptFile,
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    ...(options.server === undefined ? {} : { server: options.server }),
  };
  return superviseHost({
    clock: createSystemClock(),
    runTimeoutMs: options.runTimeoutMs,
    start({ onReply, onFailed, onEnded }) {
      const child = fork(options.hostFile, [JSON.stringify(config)], {
        serialization: 'advanced',
        // Flags of this process are chosen for a program that waits; that one works, and collects by itself (shared-memory.ts).
        execArgv: ['--expose-gc'],
        env: memoryEnvironment(options.environment, options.machine),
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      child.on('message', (reply: HostReply) => onReply(reply));
      child.on('error', onFailed);
      child.on('exit', (code, signal) => onEnded(signal ?? `exit code ${String(code)}`));
      return {
        send(request: HostRequest, onUnreachable) {
          child.send(request, (error) => {
            if (error !== null) onUnreachable(error);
          });
        },
        async kill() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          await new Promise<void>((resolve) => {
            child.once('exit', () => resolve());
            child.kill('SIGKILL');
          });
        },
      };
    },
  });
}
