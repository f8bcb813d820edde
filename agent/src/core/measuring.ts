import { StarlingError, type TelemetryKind, type TelemetryPayload } from '@starling/shared';
import { type BenchmarkPorts, benchmark, namedArtefacts } from './benchmark/index.ts';
import type { Puller } from './blobs/index.ts';
import type { CommandPorts } from './commands/index.ts';
import type { UnderNewestRoot } from './link/index.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { Clock } from './ports/clock.ts';
import type { MeasureHost } from './ports/measure-host.ts';
import type { RuntimeHost } from './ports/runtime-host.ts';
import type { RuntimeIdentity } from './ports/runtime-identity.ts';
import type { Sensors } from './ports/sensors.ts';
import type { Reconciler } from './reconcile/index.ts';
import { defaultSettings, providerLadder } from './sessions/index.ts';

interface MeasuringPorts {
  store: BlobStore;
  clock: Clock;
  host: RuntimeHost;
  sensors: Sensors;
  measureHost: MeasureHost;
  identity: RuntimeIdentity;
  cores: number;
}

interface MeasuringParts {
  reconciler: Reconciler;
  puller: Puller;
  underNewestRoot: UnderNewestRoot;
  record<Kind extends TelemetryKind>(kind: Kind, payload: TelemetryPayload<Kind>): void;
}

/** Wires what measures artefacts to the rest of the agent. One measures at a time: two would time each other. */
export function createMeasuring(
  ports: MeasuringPorts,
  { reconciler, puller, underNewestRoot, record }: MeasuringParts,
): CommandPorts['benchmark'] {
  const { store, clock, host, sensors, measureHost, identity, cores } = ports;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const benchmarkPorts = (): BenchmarkPorts => ({
    ...{ store, puller, underNewestRoot, clock, host, sensors, measureHost, identity, cores },
    keeper: reconciler.keeper,
    note: (verdict) => reconciler.note(verdict),
    profile: reconciler.profile(),
    ladderFor: ({ executionProviders }) =>
      providerLadder(executionProviders, measureHost.providers, undefined).map((provider) =>
        defaultSettings(provider, measureHost.threads),
      ),
    record: (payload) => record('benchmark', payload),
  });
  return (args, signal, onProgress) =>
    inTurn(() => {
      const artefacts = args.artefacts.length > 0 ? args.artefacts : artefactsThatRun(reconciler);
      return benchmark({ ...args, artefacts }, benchmarkPorts(), signal, onProgress);
    });
}

/** @throws StarlingError `no-release` */
function artefactsThatRun(reconciler: Reconciler) {
  const documents = reconciler.running();
  if (documents === undefined) {
    throw new StarlingError('no-release', 'no release runs on this device', {
      hint: 'name the artefacts to measure, or assign a release first',
    });
  }
  return namedArtefacts(documents.release.models, documents.assignment.artefacts);
}
