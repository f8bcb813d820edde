import { randomBytes } from 'node:crypto';
import { setDefaultCACertificates } from 'node:tls';
import { type BlobManifest, makeRandomId, parseClaimToken, StarlingError } from '@starling/shared';
import { systemClock } from '../clock.ts';
import { createBehaviour } from './behaviour.ts';
import { createSimulatedDevice, type SimulatedDevice } from './device.ts';
import { deviceKeyOf } from './device-key.ts';
import { createDeviceIdentity } from './identity.ts';
import { type CrowdFigures, type FromWorker, noFigures, type ReleaseFacts, type ToWorker, type WorkerOptions } from './messages.ts';

/** A process of some thousand devices: it is told which, and says each second how they are. */

const FIGURES_MS = 1000;

const figures: CrowdFigures = noFigures();
const devices: SimulatedDevice[] = [];
const asked = new Map<string, { facts: Promise<ReleaseFacts | undefined>; resolve(facts: ReleaseFacts | undefined): void }>();
const tell = (message: FromWorker): void => void process.send?.(message);

const factsOf = (digest: string): Promise<ReleaseFacts | undefined> => {
  const known = asked.get(digest);
  if (known !== undefined) return known.facts;
  const { promise: facts, resolve } = Promise.withResolvers<ReleaseFacts | undefined>();
  asked.set(digest, { facts, resolve });
  tell({ type: 'release', digest });
  return facts;
};

/** Gives turns at a rate. A device that came late does not let others wait for less. */
function createTurns(perSecond: number): () => Promise<void> {
  let freeAtMs = 0;
  return () => {
    const nowMs = performance.now();
    freeAtMs = Math.max(nowMs, freeAtMs + 1000 / perSecond);
    return new Promise((resolve) => setTimeout(resolve, freeAtMs - nowMs));
  };
}

async function start({
  baseUrl,
  authority,
  capabilities,
  secret,
  behaviour,
  telemetryMs,
  pull = false,
  startsPerSecond,
  devices: wanted,
}: WorkerOptions) {
  // The fetch of Node has no other way to trust an authority of one's own.
  if (authority !== undefined) setDefaultCACertificates([authority]);
  const turn = createTurns(startsPerSecond);
  const manifests = pull ? new Map<string, BlobManifest>() : undefined;
  for (const { place, name, claimToken } of wanted) {
    const token = parseClaimToken(claimToken);
    if (token === undefined) throw new StarlingError('invalid-token', 'that is no claim token');
    const own = { ...capabilities, hostName: name };
    const identity = await createDeviceIdentity({ baseUrl, key: await deviceKeyOf(secret, place), capabilities: own, hostName: name });
    const device = createSimulatedDevice({
      ...{ identity, claimToken: token, authority, telemetryMs, figures, turn, manifests, facts: factsOf, clock: systemClock },
      behaviour: createBehaviour(behaviour, place),
      ids: { streamId: makeRandomId(randomBytes), bootId: makeRandomId(randomBytes) },
    });
    devices.push(device);
    device.start();
  }
}

function stop(): void {
  for (const device of devices) device.stop();
  tell({ type: 'figures', figures });
  tell({ type: 'stopped' });
  // What was written last is on its way; whoever started this process waits for its end.
  setTimeout(() => process.exit(0), 300);
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'start') void start(message.options);
  else if (message.type === 'stop') stop();
  else asked.get(message.digest)?.resolve(message.facts ?? undefined);
});
// Ctrl-C reaches every process of the terminal: the parent says when.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
setInterval(() => tell({ type: 'figures', figures }), FIGURES_MS).unref();
