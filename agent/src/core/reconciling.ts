/** What the fleet desires -> what a device runs, what runs beside it, and what is reported of both. */
import { FAILING_ENDS_MAXIMUM, type FailingEnd, type ReportedState } from '@starling/shared';
import type { FileStore } from './ports/file-store.ts';
import type { DeviceKey } from './ports/key-store.ts';
import {
  type Challengers,
  createChallengers,
  createHelping,
  createReconciler,
  type Helping,
  type ReconcilePorts,
  type Reconciler,
} from './reconcile/index.ts';
import { type OwnParameters, toldParameters } from './told-parameters.ts';

export interface ReconcilingParts extends Pick<ReconcilePorts, 'puller' | 'underNewestRoot' | 'onEvent' | 'verdicts' | 'tunings'> {
  /** Where the device stands, for the fleet. */
  reported(state: ReportedState): void;
  /** What is to run, or does, has moved. */
  changed(state: ReportedState): void;
}

export interface Reconciling {
  reconciler: Reconciler;
  challengers: Challengers;
  helping: Helping;
}

type ReconcilingPorts = Pick<ReconcilePorts, 'store' | 'host' | 'clock' | 'log' | 'journal' | 'trust' | 'modelMemoryBytes'> & {
  key: Pick<DeviceKey, 'device'>;
  files: FileStore;
  ownParameters?: OwnParameters | undefined;
  /** Sources and sinks that fail now. */
  failing(): FailingEnd[];
};

/** What the device is to run, and what runs beside it. */
export function createReconciling(ports: ReconcilingPorts, { reported, changed, ...parts }: ReconcilingParts): Reconciling {
  const { store, host, clock, log, key, journal, trust, modelMemoryBytes, files } = ports;
  const installing = { ...parts, ...{ store, host, clock, log, device: key.device, modelMemoryBytes } };
  const tell = (state: ReportedState): void => reported(withBeside(state, { reconciler, challengers, helping }, ports));
  const reconciler: Reconciler = createReconciler({
    ...{ ...installing, journal, trust },
    // Others may still be on what the device itself is done with.
    host: { ...host, unload: async (load) => (helping.takesOver(load) ? undefined : host.unload(load)) },
    onReport(state) {
      tell(state);
      challengers.championIs(state);
      helping.ownIs(state);
      changed(state);
    },
  });
  const onChange = (): void => tell(reconciler.reported());
  const challengers: Challengers = createChallengers({ ...installing, files, reconciler, onChange });
  const helping: Helping = createHelping({ ...installing, reconciler, onChange });
  return { reconciler, challengers, helping };
}

/** What the reconciler says of itself, with what runs beside it, the values that its pipelines run with, and which of their ends fail. */
export function withBeside(
  state: ReportedState,
  { reconciler, challengers, helping }: Reconciling,
  { ownParameters, failing }: Pick<ReconcilingPorts, 'ownParameters' | 'failing'>,
): ReportedState {
  const [experiment, helps] = [challengers.reported(), helping.reported()];
  const ends = failing().slice(0, FAILING_ENDS_MAXIMUM);
  const beside = {
    ...(experiment === undefined ? {} : { experiment }),
    ...(helps === undefined ? {} : { helps }),
    ...(ends.length === 0 ? {} : { failing: ends.map((each) => ({ ...each, message: each.message.slice(0, 500) })) }),
  };
  const documents = reconciler.running();
  const parameters = documents === undefined ? [] : toldParameters(documents, ownParameters);
  if (state.running === null || parameters.length === 0) return { ...state, ...beside };
  return { ...state, ...beside, running: { ...state.running, parameters } };
}
