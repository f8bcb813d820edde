import { type HostReply, superviseHost } from '../../core/hosting/index.ts';
import { isAudio, isRawImage } from '../../core/pipelines/operators/index.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { RawImage } from '../../core/ports/image-codec.ts';
import type { RuntimeHost } from '../../core/ports/runtime-host.ts';
import type { HostConfig, WorkerRequest } from './host-config.ts';

export interface HostWorkerOptions {
  clock: Clock;
  /** A host that is silent for longer is taken for hung. */
  runTimeoutMs: number;
  /** What the next life of the host is told; asked for each. */
  config(): HostConfig;
  /** Pixels of an encoded image that were decoded before its turn. */
  takeDecoded(bytes: Uint8Array): RawImage | undefined;
  /** Why a host has ended, before it is started again. */
  onEnded(reason: string): void;
}

/** The runtime host as a worker beside this one. */
export function createHostWorker({ clock, runTimeoutMs, config, takeDecoded, onEnded }: HostWorkerOptions): RuntimeHost {
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
        send(call, onUnreachable) {
          try {
            const image = call.call === 'infer' ? call.arguments[0] : undefined;
            const request: WorkerRequest = image instanceof Uint8Array ? { ...call, decoded: takeDecoded(image) } : call;
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
function movedIn(request: WorkerRequest): Transferable[] {
  if (request.call !== 'infer') return [];
  const [input] = request.arguments;
  const { decoded } = request;
  const moved = [
    isRawImage(input) ? input.data : isAudio(input) ? input.samples : undefined,
    // Nobody here needs the bytes of a picture once they are decoded.
    ...(decoded !== undefined && input instanceof Uint8Array ? [decoded.data, input] : []),
  ];
  return moved.flatMap((values) => (values?.buffer instanceof ArrayBuffer ? [values.buffer] : []));
}
