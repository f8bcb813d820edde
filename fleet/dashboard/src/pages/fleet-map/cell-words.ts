import type { MapMeasure, MapSite } from '@starling/shared';
import { counted, inWords, millisecondsOf, percentOf } from '../../format/quantity.ts';

/** What is counted of some devices. */
export type Figures = Omit<MapSite, 'site' | 'cells'>;

export const measureWords: Record<MapMeasure, string> = {
  connected: 'Connected',
  failing: 'Failing',
  latency: 'Latency, mean',
  release: 'On the leading release',
};

/** What a cell says, and how much it wants to be looked at: 0 not at all, 1 most. */
export interface CellWords {
  text: string;
  heat: number;
  /** In a sentence, for those who hear it. */
  sentence: string;
}

/** A share of failing devices that is as bad as it gets: a tenth of a site is an incident. */
const FAILING_HOTTEST = 0.1;
/** Connected and release: with half of the devices away a cell is as hot as it gets. */
const AWAY_HOTTEST = 0.5;
/** Against the mean of the fleet: three times as slow. */
const SLOW_HOTTEST = 3;

/** @param fleetMeanMs mean latency of the whole fleet, against which slow is slow */
export function wordsOf(measure: MapMeasure, figures: Figures, fleetMeanMs: number | null): CellWords {
  const { devices, connected, closed, failing, onLeading, latencyMsMean } = figures;
  switch (measure) {
    case 'connected': {
      const expected = devices - closed;
      if (expected === 0) return { text: '–', heat: 0, sentence: 'every page was closed' };
      const share = connected / expected;
      return {
        text: shareWords(share),
        heat: bounded((1 - share) / AWAY_HOTTEST),
        sentence: `${counted(connected)} of ${counted(expected)} connected`,
      };
    }
    case 'failing': {
      const sentence = `${counted(failing)} of ${counted(devices)} failing`;
      return { text: failing === 0 ? '0' : counted(failing), heat: bounded(failing / devices / FAILING_HOTTEST), sentence };
    }
    case 'latency': {
      if (latencyMsMean === null) return { text: '–', heat: 0, sentence: 'no inference' };
      const text = inWords(millisecondsOf(latencyMsMean));
      const heat = fleetMeanMs === null || fleetMeanMs === 0 ? 0 : bounded((latencyMsMean / fleetMeanMs - 1) / (SLOW_HOTTEST - 1));
      return { text, heat, sentence: `${text} on average` };
    }
    case 'release': {
      const share = onLeading / devices;
      return {
        text: shareWords(share),
        heat: bounded((1 - share) / AWAY_HOTTEST),
        sentence: `${counted(onLeading)} of ${counted(devices)} on it`,
      };
    }
  }
}

/** Never 100 % where one is missing, nor 0 % where one is there. */
function shareWords(share: number): string {
  const rounded = Math.round(share * 1000) / 1000;
  const shown = share === 0 || share === 1 ? share : Math.min(0.999, Math.max(0.001, rounded));
  return inWords(percentOf(shown));
}

function bounded(heat: number): number {
  return Math.min(1, Math.max(0, heat));
}

/** The list of devices behind a cell: those that are the trouble, where a measure knows which. */
export function devicesBehind(
  measure: MapMeasure,
  site: string,
  profile: string | undefined,
  leading: string | null | undefined,
): { select: string; profile?: string; status?: 'silent' | 'failed' } {
  const isSite = `site == ${JSON.stringify(site)}`;
  const select = measure === 'release' && leading != null ? `${isSite} && release != ${JSON.stringify(leading)}` : isSite;
  const status = measure === 'connected' ? 'silent' : measure === 'failing' ? 'failed' : undefined;
  return { select, ...(profile === undefined ? {} : { profile }), ...(status === undefined ? {} : { status }) };
}
