import type { ModelFigures } from '@starling/shared';
import type { Database } from '../db/index.ts';
import { aggregate, outliersOf } from './aggregate.ts';
import { measurementsOf } from './store.ts';

/** What devices measured. */
export interface Measurements {
  figures(artefacts: readonly string[]): Promise<ModelFigures>;
}

export function createMeasurements({ db }: { db: Database }): Measurements {
  return {
    async figures(artefacts) {
      const rows = await measurementsOf(db, artefacts);
      const figures = aggregate(rows);
      const profiles = [...figures.byProfile].flatMap(([profile, byArtefact]) =>
        [...byArtefact].map(([artefact, measurement]) => ({ artefact, profile, ...measurement })),
      );
      return { profiles, outliers: outliersOf(rows, figures), devices: rows };
    },
  };
}
