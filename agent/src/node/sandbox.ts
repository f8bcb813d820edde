import { Worker } from 'node:worker_threads';
import type { Sandbox } from '../core/ports/sandbox.ts';
import { createSandbox } from '../core/sandbox/index.ts';
import { createSystemClock } from './clock.ts';

/** QuickJS in worker threads. @param workerUrl `script-worker.ts` from source, `.js` in a package */
export function createThreadSandbox(workerUrl: URL): Sandbox {
  return createSandbox({
    clock: createSystemClock(),
    start({ onReply, onEnded }) {
      const worker = new Worker(workerUrl, { name: 'starling-script' });
      // A script that nobody waits for keeps no process alive.
      worker.unref();
      worker.on('message', onReply);
      worker.on('error', (error) => onEnded(error instanceof Error ? error.message : String(error)));
      worker.on('exit', (code) => onEnded(`exit code ${code}`));
      return {
        send: (request, moved) => worker.postMessage(request, moved),
        end: () => void worker.terminate(),
      };
    },
  });
}
