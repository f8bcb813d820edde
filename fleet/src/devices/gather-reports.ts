import type { ReportedState } from '@starling/shared';

export interface Report {
  reported: ReportedState;
  atMs: number;
}

/**
 * What devices report on their way through a release, written for many at once: thousands that pull at the same time tell how far they
 * are twice a second each. A report that nobody else waits with is written at once; those that come during a write go together in the
 * next, of each device the newest.
 */
export interface ReportGatherer {
  /** @returns when this report, or a newer one of the device, is in the database */
  add(device: string, report: Report): Promise<void>;
}

interface Batch {
  reports: Map<string, Report>;
  written: PromiseWithResolvers<void>;
}

export function createReportGatherer(write: (reports: ReadonlyMap<string, Report>) => Promise<void>): ReportGatherer {
  let next: Batch | undefined;
  let isWriting = false;

  const writeAll = async (): Promise<void> => {
    isWriting = true;
    for (let batch = next; batch !== undefined; batch = next) {
      next = undefined;
      await write(batch.reports).then(batch.written.resolve, batch.written.reject);
    }
    isWriting = false;
  };
  return {
    add(device, report) {
      next ??= { reports: new Map(), written: Promise.withResolvers() };
      next.reports.set(device, report);
      const { promise } = next.written;
      if (!isWriting) void writeAll();
      return promise;
    },
  };
}
