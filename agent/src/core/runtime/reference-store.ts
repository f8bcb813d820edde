import type { Histogram } from '@starling/shared';

/** Keeps the references that monitors have learned, so that a restart does not forget what normal looks like. */
export interface ReferenceStore {
  read(release: string, monitor: string): Promise<Histogram | null>;
  write(release: string, monitor: string, reference: Histogram): Promise<void>;
}
