import { isStarlingError, messageOf } from '@starling/shared';
import type { Runtime } from '../runtime/index.ts';
import type { HostFailure, HostReply, HostRequest } from './host-messages.ts';

/** The inside of a runtime host: takes what the control plane asks, and answers. */
export interface HostSide {
  receive(request: HostRequest): void;
  /** Takes up nothing more, and resolves when what is under way has its answer: what comes later fails with the end of the host. */
  drain(): Promise<void>;
}

/** @param send never throws: when the control plane is gone, nobody is left to answer to */
export function createHostSide(runtime: Runtime, send: (reply: HostReply) => void): HostSide {
  const cancellations = new Map<number, AbortController>();
  const underWay = new Set<Promise<void>>();
  let isDraining = false;
  return {
    async drain() {
      isDraining = true;
      await Promise.all(underWay);
    },
    receive(request) {
      if (request.call === 'ask') return send({ type: 'alive' });
      if (request.call === 'cancel') return cancellations.get(request.arguments[0])?.abort();
      if (isDraining) return;
      const answered = answer(runtime, request, cancellations)
        .then((value) => send({ type: 'answer', id: request.id, value }))
        .catch((error: unknown) => send({ type: 'failure', id: request.id, error: failureOf(error) }))
        .finally(() => {
          cancellations.delete(request.id);
          underWay.delete(answered);
        });
      underWay.add(answered);
    },
  };
}

async function answer(
  runtime: Runtime,
  request: Exclude<HostRequest, { call: 'cancel' | 'ask' }>,
  cancellations: Map<number, AbortController>,
): Promise<unknown> {
  switch (request.call) {
    case 'load':
      return runtime.load(...request.arguments);
    case 'selfTest':
      return runtime.selfTest(...request.arguments);
    case 'activate':
      return runtime.activate(...request.arguments);
    case 'unload':
      return runtime.unload(...request.arguments);
    case 'live':
      return runtime.live();
    case 'infer': {
      const cancellation = new AbortController();
      cancellations.set(request.id, cancellation);
      const [input, options] = request.arguments;
      return runtime.infer(input, { ...options, signal: cancellation.signal });
    }
    case 'experiment':
      return runtime.experiment(...request.arguments);
    case 'tap':
      return runtime.tap(...request.arguments);
    case 'untap':
      return runtime.untap(...request.arguments);
    case 'replay':
      return runtime.replay(...request.arguments);
    case 'loadModel':
      return runtime.loadModel(...request.arguments);
    case 'freeModel':
      return runtime.freeModel(...request.arguments);
    case 'trace':
      return runtime.trace(...request.arguments);
    case 'placement':
      return runtime.placement(...request.arguments);
    case 'stream':
      return runtime.stream(...request.arguments);
  }
}

/** An error as it crosses a boundary of processes or workers. @param code for one that has none */
export function failureOf(error: unknown, code = 'node-failed'): HostFailure {
  if (!isStarlingError(error)) return { code, message: messageOf(error) };
  const { field, hint } = error;
  return {
    ...{ code: error.code, message: error.message, retryable: error.retryable },
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  };
}
