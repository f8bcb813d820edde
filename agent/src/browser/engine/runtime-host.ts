import '../content-security.ts';
import { StarlingError } from '@starling/shared';
import { createHostSide, type HostReply, type HostSide } from '../../core/hosting/index.ts';
import type { Engine } from '../../core/ports/engine.ts';
import { createRuntime } from '../../core/runtime/index.ts';
import { followBattery } from '../battery.ts';
import { createSystemClock } from '../clock.ts';
import { createDecodedAhead } from '../decoded-ahead.ts';
import { systemRandom } from '../ids.ts';
import { createCanvasCodec } from '../image-codec.ts';
import { openFolder, readFile } from '../private-folder.ts';
import { createReferenceStore } from '../reference-store.ts';
import { createWorkerSandbox } from '../sandbox.ts';
import { createBrowserSensors } from '../sensors.ts';
import { ARENA } from './arena.ts';
import { createBusyMeter } from './busy-meter.ts';
import { type HostConfig, LOST, type WorkerRequest } from './host-config.ts';
import { createOnnxRuntime } from './onnxruntime.ts';

/**
 * The runtime host: pipelines, sessions, monitors and the egress gate in a worker of their own. A run that hangs or runs out of memory
 * takes this worker down and nothing else; the control worker starts it again. Its first message is its configuration.
 */
declare const self: DedicatedWorkerGlobalScope;

/** What is under way when the engine has to be given up has this long to come to its answer. */
const DRAIN_MS = 2_000;
const send = (reply: HostReply): void => self.postMessage(reply);
const ahead = createDecodedAhead();
let side: Promise<HostSide> | undefined;

self.addEventListener('message', ({ data }: MessageEvent<HostConfig | WorkerRequest>) => {
  if ('home' in data) {
    side = start(data);
    side.then(
      () => send({ type: 'ready' }),
      (error: unknown) => {
        // The control worker hears of it as of any error of a worker, and tries again.
        throw error;
      },
    );
    return;
  }
  if (data.call === 'infer' && data.decoded !== undefined) ahead.add(data.arguments[0] as Uint8Array, data.decoded);
  void side?.then((started) => started.receive(data));
});

async function start({ home, providers, threads }: HostConfig): Promise<HostSide> {
  const [blobs, references] = await Promise.all([openFolder(home, 'blobs'), openFolder(home, 'references')]);
  const readBlob = async (location: string): Promise<Uint8Array> => {
    const bytes = await readFile(blobs, location);
    if (bytes === undefined) throw new StarlingError('load-failed', `blob ${location} is not here`);
    return bytes;
  };
  const clock = createSystemClock();
  const meter = createBusyMeter(clock, threads);
  const end = (reason: string): void => {
    send({ type: 'hung', reason });
    self.close();
  };
  const onDeviceLost = (reason: string): void => end(`${LOST.webgpu}${reason}`);
  const onSpent = (provider: string, reason: string): void => {
    // A call that this broke off may never come to its answer.
    const late = new Promise<void>((resolve) => void clock.after(DRAIN_MS, resolve));
    void Promise.race([hosted.drain(), late]).then(() => end(`${LOST[provider] ?? 'the engine is started anew: '}${reason}`));
  };
  const engine: Engine = meter.watch(createOnnxRuntime({ providers, threads, readModel: readBlob, onDeviceLost, onSpent }));
  const runtime = createRuntime({
    ...{ engine, clock, random: systemRandom },
    machine: { threads, arena: ARENA },
    codec: createCanvasCodec(ahead),
    sandbox: createWorkerSandbox(),
    readAsset: readBlob,
    references: createReferenceStore(references),
    sensors: createBrowserSensors({ clock, busySeconds: () => meter.seconds(), battery: followBattery() }),
    emit: (event) => send({ type: 'event', event }),
  });
  const hosted = createHostSide(runtime, send);
  return hosted;
}
