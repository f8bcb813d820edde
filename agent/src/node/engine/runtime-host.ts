import { flushCompileCache } from 'node:module';
import process from 'node:process';
import { createHostSide, type HostReply, type HostRequest } from '../../core/hosting/index.ts';
import { createRuntime } from '../../core/runtime/index.ts';
import { createSystemClock } from '../clock.ts';
import { systemRandom } from '../ids.ts';
import { createSharpCodec } from '../image-codec.ts';
import { createDiskReferenceStore } from '../reference-store.ts';
import { createThreadSandbox } from '../sandbox.ts';
import { createLinuxSensors } from '../sensors/index.ts';
import { readAsset } from './assets.ts';
import { createEngine } from './create-engine.ts';
import { readHostConfig } from './host-config.ts';

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
  random: systemRandom,
  codec: createSharpCodec(),
  sandbox: createThreadSandbox(new URL(config.scriptFile, import.meta.url)),
  readAsset,
  references: createDiskReferenceStore(config.dataDirectory),
  sensors: createLinuxSensors({ dataDirectory: config.dataDirectory, processIds: [process.pid, process.ppid] }),
  machine: config.machine,
  emit: (event) => send({ type: 'event', event }),
});
const side = createHostSide(runtime, send);

process.on('message', (request: HostRequest) => side.receive(request));
// The control plane is gone: nobody is left to answer to.
process.on('disconnect', () => process.exit(0));
send({ type: 'ready' });
// A host that is killed would never write it, and the next life is the one that has to be quick.
flushCompileCache();
