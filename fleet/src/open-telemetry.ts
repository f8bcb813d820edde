import { deleteOldMeasurements } from './analysis/index.ts';
import type { FleetConfig } from './config.ts';
import type { OpenDatabase } from './db/index.ts';
import type { Clock, EventBus, Log } from './ports.ts';
import {
  createIngest,
  createLayerStore,
  createRetention,
  createTelemetryQueries,
  type Ingest,
  type IngestPorts,
  type KeepMs,
  type Retention,
  type TelemetryQueries,
} from './telemetry/index.ts';

export interface TelemetryModules {
  ingest: Ingest;
  retention: Retention;
  telemetry: TelemetryQueries;
}

interface TelemetryPorts extends Pick<IngestPorts, 'project' | 'stored'> {
  database: OpenDatabase;
  clock: Clock;
  log: Log;
  events: EventBus;
}

const DAY_MS = 86_400_000;
const MEBIBYTE = 1024 ** 2;
/** What fits onto the card of a small machine beside everything else. */
const EMBEDDED_MEBIBYTES_MAXIMUM = 2048;

/** What comes in, what is kept of it, and what is asked. */
export function openTelemetry(config: FleetConfig, { database, clock, log, events, project, stored }: TelemetryPorts): TelemetryModules {
  const { db, kind } = database;
  const keepMs: KeepMs = {
    records: config.retainRecordsDays * DAY_MS,
    'device-sums': config.retainDeviceSumsDays * DAY_MS,
    sums: config.retainSumsDays * DAY_MS,
    hours: config.retainHoursDays * DAY_MS,
  };
  const mebibytes = config.telemetryMebibytesMaximum ?? (kind === 'pglite' ? EMBEDDED_MEBIBYTES_MAXIMUM : undefined);
  const analysis = {
    ...{ name: 'analysis', describes: 'looks of rollouts at their metrics', keepMs: config.retainAnalysisDays * DAY_MS },
    deleteSome: deleteOldMeasurements,
  };
  return {
    ingest: createIngest({
      ...{ db, clock, events, log, layers: createLayerStore(db, kind, keepMs), project, stored },
      waitingBytesMaximum: config.ingestMebibytes * MEBIBYTE,
    }),
    retention: createRetention({
      ...{ db, kind, clock, log, keepMs, others: [analysis] },
      bytesMaximum: mebibytes === undefined ? null : mebibytes * MEBIBYTE,
    }),
    telemetry: createTelemetryQueries({ db, clock }),
  };
}
