import type { Sandbox } from '../core/ports/sandbox.ts';
import { createSandbox, type ScriptReply } from '../core/sandbox/index.ts';
import { createSystemClock } from './clock.ts';

/** QuickJS in workers beside the one that asks. */
export function createWorkerSandbox(): Sandbox {
  return createSandbox({
    clock: createSystemClock(),
    start({ onReply, onEnded }) {
      const worker = new Worker(new URL('./engine/script-worker.ts', import.meta.url), { type: 'module', name: 'starling-script' });
      worker.addEventListener('message', ({ data }: MessageEvent<ScriptReply>) => onReply(data));
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        onEnded(event.message === '' ? 'the worker failed' : event.message);
      });
      worker.addEventListener('messageerror', () => onEnded('a message could not be read'));
      return {
        send: (request, moved) => worker.postMessage(request, moved),
        end: () => worker.terminate(),
      };
    },
  });
}
