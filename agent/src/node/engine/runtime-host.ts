import process from 'node:process';
import { isStarlingError, messageOf } from '@starling/shared';
import { createRuntime, type Runtime } from '../../core/runtime/index.ts';
import { createSystemClock } from '../clock.ts';
import { createSharpCodec } from '../image-codec.ts';
import { createDiskReferenceStore } from '../reference-store.ts';
import { createLinuxSensors } from '../sensors/index.ts';
import { readAsset } from './assets.ts';
import { createEngine } from './create-engine.ts';
import { readHostConfig } from './host-config.ts';
import type { HostFailure, HostReply, HostRequest } from './host-messages.ts';

/**
 * The runtime host: pipelines, sessions, monitors and the egress gate in a process of their own. A native run that hangs or crashes
 * takes this process down and nothing else; the control plane starts it again.
 */
const config = readHostConfig(process.argv[2]);
const clock = createSystemClock();
const send = (reply: HostReply): void => {
  if (process.connected) process.send?.(reply);
};
const engine = createEngine(config, import.meta.url, (reason) => {
  send({ type: 'hung', reason });
  // Not exit(): exit handlers would wait for the hung thread.
  process.kill(process.pid, 'SIGKILL');
});
const runtime = createRuntime({
  engine,
  clock,
  codec: createSharpCodec(),
  readAsset,
  references: createDiskReferenceStore(config.dataDirectory),
  sensors: createLinuxSensors({ dataDirectory: config.dataDirectory, processIds: [process.pid, process.ppid] }),
  threads: config.threads,
  emit: (event) => send({ type: 'event', event }),
});
const cancellations = new Map<number, AbortController>();

process.on('message', (request: HostRequest) => {
  if (request.call === 'ask') {
    send({ type: 'alive' });
    return;
  }
  if (request.call === 'cancel') {
    cancellations.get(request.arguments[0])?.abort();
    return;
  }
  answer(runtime, request)
    .then((value) => send({ type: 'answer', id: request.id, value }))
    .catch((error: unknown) => send({ type: 'failure', id: request.id, error: failureOf(error) }))
    .finally(() => cancellations.delete(request.id));
});
// The control plane is gone: nobody is left to answer to.
process.on('disconnect', () => process.exit(0));
send({ type: 'ready' });

async function answer(host: Runtime, request: Exclude<HostRequest, { call: 'cancel' | 'ask' }>): Promise<unknown> {
  switch (request.call) {
    case 'load':
      return host.load(...request.arguments);
    case 'selfTest':
      return host.selfTest(...request.arguments);
    case 'activate':
      return host.activate(...request.arguments);
    case 'unload':
      return host.unload(...request.arguments);
    case 'live':
      return host.live();
    case 'infer': {
      const cancellation = new AbortController();
      cancellations.set(request.id, cancellation);
      const [input, source] = request.arguments;
      return host.infer(input, { signal: cancellation.signal, source });
    }
  }
}

function failureOf(error: unknown): HostFailure {
  if (!isStarlingError(error)) return { code: 'node-failed', message: messageOf(error) };
  const { code, message, field, hint, retryable } = error;
  return { code, message, retryable, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}
