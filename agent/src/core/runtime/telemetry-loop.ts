import type { TelemetryPayload } from '@starling/shared';
import { describeFigures, energyRecord, healthRecord, splitEnergy } from '../monitors/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostEvent } from '../ports/runtime-host.ts';
import type { SensorReading, Sensors } from '../ports/sensors.ts';
import type { Arms } from './arms.ts';
import type { LoadedRelease } from './loaded-release.ts';
import { createReferenceKeeper, type ReferenceKeeper } from './reference-keeper.ts';
import type { ReferenceStore } from './reference-store.ts';

export interface TelemetryLoop {
  start(windowMs: number): void;
  /** An item went through. The first since `start` ends its window early. */
  worked(): void;
  endWindow(): Promise<void>;
  stop(): void;
}

interface TelemetryPorts {
  clock: Clock;
  sensors: Sensors;
  references: ReferenceStore;
  emit(event: HostEvent): void;
}

/** Somebody may be waiting for the first figures of a release, to see that it works. */
const FIRST_FIGURES_MS = 1_000;

/** Ends a window every `windowMs` and emits what it held; the one of the first item soon after that item. */
export function createTelemetryLoop(
  ports: TelemetryPorts,
  activeRelease: () => LoadedRelease | undefined,
  arms: Pick<Arms, 'id' | 'releases' | 'takeFigures' | 'learn'>,
): TelemetryLoop {
  let cancel = (): void => undefined;
  const keeper = createReferenceKeeper(ports.references, ports.emit);
  let before: { reading: SensorReading; monotonicMs: number; wallMs: number } | undefined;
  const take = async () => ({ reading: await ports.sensors.read(), monotonicMs: ports.clock.monotonicMs(), wallMs: ports.clock.wallMs() });

  const endWindow = async (): Promise<void> => {
    const release = activeRelease();
    const beside = arms.releases();
    const started = before;
    const now = await take();
    before = now;
    if (started === undefined) return;
    const lengthMs = now.monotonicMs - started.monotonicMs;
    const window = { startMs: Math.round(started.wallMs), lengthMs, release: release?.installed.digest ?? null };
    ports.emit({ type: 'record', kind: 'health', payload: healthRecord(window, started.reading, now.reading) });
    const ran = [...(release === undefined ? [] : [release]), ...beside].map((each) => ({
      release: each.installed.digest,
      ...emitReleaseWindow(each, { ...window, release: each.installed.digest }, ports, keeper, arms),
    }));
    const id = arms.id();
    const inferences = ran.reduce((sum, { items }) => sum + items, 0);
    const energy = energyRecord(window, started.reading, now.reading, inferences, release?.installed.profile);
    for (const part of energy === undefined ? [] : splitEnergy(energy, ran)) {
      ports.emit({ type: 'record', kind: 'energy', payload: { ...part, ...(id === undefined ? {} : { experiment: id }) } });
    }
    const seconds = lengthMs / 1000;
    arms.learn({
      busyMs: ran.reduce((sum, { busyMs }) => sum + busyMs, 0),
      agentJoules: energy?.agentJoules,
      cores: seconds <= 0 ? 0 : Math.round((now.reading.cpuTotalSeconds - started.reading.cpuTotalSeconds) / seconds),
    });
  };
  let [everyMs, dueMs, isFirst, turn] = [0, Number.POSITIVE_INFINITY, false, 0];
  const endAfter = (delayMs: number): void => {
    cancel();
    dueMs = ports.clock.monotonicMs() + delayMs;
    turn += 1;
    const mine = turn;
    // A window may still be ending when another turn has begun: that one goes on alone.
    const next = (): void => {
      if (mine === turn) endAfter(everyMs);
    };
    cancel = ports.clock.after(delayMs, () => {
      dueMs = Number.NEGATIVE_INFINITY;
      endWindow().then(next, next);
    });
  };
  return {
    start(windowMs) {
      everyMs = windowMs;
      isFirst = true;
      if (before === undefined)
        take().then((now) => {
          before = now;
        });
      endAfter(windowMs);
    },
    worked() {
      if (!isFirst) return;
      isFirst = false;
      if (dueMs - ports.clock.monotonicMs() > FIRST_FIGURES_MS) endAfter(FIRST_FIGURES_MS);
    },
    endWindow,
    stop() {
      turn += 1;
      cancel();
    },
  };
}

/** @returns what it did in the window: inferences, and milliseconds in nodes */
function emitReleaseWindow(
  release: LoadedRelease,
  window: { startMs: number; lengthMs: number; release: string | null },
  { emit }: Pick<TelemetryPorts, 'emit'>,
  keeper: ReferenceKeeper,
  arms: Pick<Arms, 'takeFigures'>,
): { items: number; busyMs: number } {
  let [items, busyMs] = [0, 0];
  for (const { pipeline, graph, window: own, queue, watches } of release.pipelines) {
    const inference = own.end(window.startMs, window.lengthMs, queue.takeDropped());
    const figures = describeFigures(graph.takeFigures());
    if (inference !== undefined) {
      // Comparisons are of the release: its first pipeline that has something to tell takes them along.
      const experiment = arms.takeFigures(release);
      const payload: TelemetryPayload<'inference'> = { ...inference, ...figures, ...(experiment === undefined ? {} : { experiment }) };
      emit({ type: 'record', kind: 'inference', payload });
    }
    for (const [kept, { name, monitor, watch }] of watches) {
      const verdict = watch.endWindow();
      if (verdict === undefined) continue;
      const { edge, measure } = monitor;
      emit({ type: 'record', kind: 'drift', payload: { ...window, pipeline: pipeline.name, monitor: name, edge, measure, ...verdict } });
      keeper.keep(release.installed.digest, kept, watch);
    }
    items += inference?.items ?? 0;
    for (const { totalMs } of Object.values(figures.nodes ?? {})) busyMs += totalMs;
  }
  return { items, busyMs };
}
