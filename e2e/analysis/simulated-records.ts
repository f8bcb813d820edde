import { addToHistogram, createHistogram, latencyEdgesMs, type TelemetryKind, type TelemetryPayload } from '@starling/shared';
import type { Ingest } from '../../fleet/src/telemetry/index.ts';
import { seededRandom } from '../scenes/random.ts';

export const OLD_RELEASE = 'a'.repeat(64);
export const NEW_RELEASE = 'b'.repeat(64);

export interface Sent {
  device: string;
  kind: TelemetryKind;
  atMs: number;
  payload: TelemetryPayload<TelemetryKind>;
}

export interface RecordsOfDevice {
  device: string;
  /** Start of the first window. */
  fromMs: number;
  windows: number;
  windowMs: number;
  release: string;
  seed: number;
  latencyMs: number;
  items: number;
  failureShare?: number;
  joules?: number;
  psi?: number;
  /** Codes of events, in the first window. */
  events?: readonly string[];
}

/** Records as an agent sends them, window by window. */
export function recordsOfDevice(settings: RecordsOfDevice): Sent[] {
  const {
    device,
    fromMs,
    windows,
    windowMs,
    release,
    seed,
    latencyMs,
    items,
    failureShare = 0.01,
    joules = 0.2,
    psi = 0.1,
    events = [],
  } = settings;
  const random = seededRandom(seed, 3);
  const sent: Sent[] = [];
  for (let window = 0; window < windows; window += 1) {
    const startMs = fromMs + window * windowMs;
    const histogram = createHistogram(latencyEdgesMs);
    let failed = 0;
    for (let item = 0; item < items; item += 1) {
      if (random.chance(failureShare)) failed += 1;
      else addToHistogram(histogram, latencyMs * Math.exp(0.3 * random.normal()));
    }
    const common = { startMs, lengthMs: windowMs, release };
    const failures: Record<string, number> = failed > 0 ? { 'node-failed': failed } : {};
    const add = (kind: TelemetryKind, payload: Sent['payload']): void => void sent.push({ device, kind, atMs: startMs, payload });
    add('inference', {
      ...common,
      pipeline: window % 3 === 0 ? 'count-cars' : 'read-signs',
      items,
      dropped: 0,
      failures,
      latencyMs: histogram,
      nodes: {},
    });
    const agentJoules = items * joules * Math.exp(0.1 * random.normal());
    add('energy', {
      ...{ ...common, joules: agentJoules + 50, agentJoules, inferences: items, joulesPerInference: agentJoules / items },
      ...{ method: 'modelled', source: 'test' },
    });
    const monitor = { pipeline: 'read-signs', monitor: 'light', edge: 'decode.image', measure: 'brightness', reference: null };
    add('drift', {
      ...common,
      ...monitor,
      histogram: createHistogram([1]),
      psi: psi * Math.exp(0.2 * random.normal()),
      ks: 0,
      ksPValue: 1,
      drifted: false,
    });
  }
  for (const code of events) {
    const speaksOf = code === 'rolled-back' ? { release: OLD_RELEASE, detail: { failed: release } } : { release, detail: {} };
    sent.push({ device, kind: 'events', atMs: fromMs, payload: { level: 'error', code, message: code, ...speaksOf } });
  }
  return sent;
}

/** Brings records to the database the way that they come from devices: in batches, through ingest. */
export async function ingestAll(ingest: Ingest, sent: readonly Sent[], stream: string): Promise<void> {
  const streams = Map.groupBy(sent, ({ device, kind }) => `${device} ${kind}`);
  await Promise.all(
    [...streams.values()].map((records) => {
      const [{ device, kind } = { device: '', kind: 'inference' as const }] = records;
      const batch = records.map(({ atMs, payload }, index) => ({
        ...{ sequence: index + 1, bootId: 'test', monotonicMs: index, wallMs: atMs, clock: 'trusted' as const, payload },
      }));
      return ingest.add(device, kind, { streamId: stream, records: batch, dropped: [] });
    }),
  );
}
