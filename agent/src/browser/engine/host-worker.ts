import { type HostReply, type HostRequest, superviseHost } from '../../core/hosting/index.ts';
import { isAudio, isRawImage } from '../../core/pipelines/operators/index.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { RuntimeHost } from '../../core/ports/runtime-host.ts';
import type { HostConfig } from './host-config.ts';

export interface HostWorkerOptions {
  clock: Clock;
  /** A host that is silent for longer is taken for hung. */
  runTimeoutMs: number;
  /** What the next life of the host is told; asked for each. */
  config(): HostConfig;
  /** Why a host has ended, before it is started again. */
  onEnded(reason: string): void;
}

/** The runtime host as a worker beside this one. */
export function createHostWorker({ clock, runTimeoutMs, config, onEnded }: HostWorkerOptions): RuntimeHost {
  return superviseHost({
    clock,
    runTimeoutMs,
    start(events) {
      const worker = new Worker(new URL('./runtime-host.ts', import.meta.url), { type: 'module', name: 'starling-runtime-host' });
      let ended = false;
      const end = (reason: string): void => {
        if (ended) return;
        ended = true;
        worker.terminate();
        onEnded(reason);
        events.onEnded(reason);
      };
      worker.addEventListener('message', ({ data }: MessageEvent<HostReply>) => {
        events.onReply(data);
        // Its last word: no browser tells when a worker has ended.
        if (data.type === 'hung') end(data.reason);
      });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        end(event.message === '' ? 'the worker failed' : event.message);
      });
      worker.addEventListener('messageerror', () => end('a message could not be read'));
      worker.postMessage(config());
      return {
        send(request: HostRequest, onUnreachable) {
          try {
            worker.postMessage(request, movedIn(request));
          } catch (cause) {
            onUnreachable(cause);
          }
        },
        kill: async () => end('terminated'),
      };
    },
  });
}

/** Pixels and samples move to the other worker without a copy. */
function movedIn(request: HostRequest): Transferable[] {
  if (request.call !== 'infer') return [];
  const [input] = request.arguments;
  const buffer = isRawImage(input) ? input.data.buffer : isAudio(input) ? input.samples.buffer : undefined;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}
