import { commandTable, type ModelFigures, problemSchema } from '@starling/shared';
import { type MeasuringCommand, measuringCommands } from '../commands/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { aggregate, outliersOf, type Shortage } from './aggregate.ts';
import { measurementsOf } from './store.ts';

/** What devices measured. */
export interface Measurements {
  figures(artefacts: readonly string[]): Promise<ModelFigures>;
}

/** A device that was short of memory longer ago says nothing of today. */
const SHORTAGE_MS = 30 * 86_400_000;

export function createMeasurements({ db, clock }: { db: Database; clock: Clock }): Measurements {
  return {
    async figures(artefacts) {
      const rows = await measurementsOf(db, artefacts);
      const figures = aggregate(rows);
      const profiles = [...figures.byProfile].flatMap(([profile, byArtefact]) =>
        [...byArtefact].map(([artefact, measurement]) => ({ artefact, profile, ...measurement })),
      );
      const commands = await measuringCommands(db, clock.nowMs() - SHORTAGE_MS);
      const shortages = commands.flatMap(shortagesIn).filter(({ artefact }) => artefacts.includes(artefact));
      return { profiles, outliers: outliersOf(rows, figures, shortages), devices: rows };
    },
  };
}

/** A benchmark that could measure something tells of each artefact why not; one that could not, why not the first. */
function shortagesIn({ device, deviceName, issuedAtMs, arguments: given, result, error }: MeasuringCommand): Shortage[] {
  const answered = commandTable.benchmark.result.safeParse(result).data?.artefacts ?? [];
  const [first] = commandTable.benchmark.arguments.safeParse(given).data?.artefacts ?? [];
  const whole = problemSchema.safeParse(error).data;
  const failed = [...answered, ...(first === undefined || whole === undefined ? [] : [{ artefact: first.artefact, error: whole }])];
  return failed
    .filter((each) => each.error?.code === 'memory-low')
    .map(({ artefact }) => ({ device, name: deviceName, artefact, atMs: issuedAtMs }));
}
