import type { ChoiceFigure, DeviceView, ModelFigures } from '@starling/shared';

/** What an artefact costs on the devices of one profile; null where nothing is known. */
export interface CostFigures {
  latencyMs: number | null;
  latencyMsP95: number | null;
  joulesPerInference: number | null;
  memoryBytes: number | null;
  /** Devices that measured it; 0 where the figures are worked out. */
  devices: number;
  isEstimate: boolean;
}

/** Profile -> artefact -> figures. */
export type FiguresByProfile = ReadonlyMap<string, ReadonlyMap<string, CostFigures>>;

/**
 * What was measured and, where nothing was, what the fleet estimated when it chose for a device of that profile.
 * @param devices any devices; those that do not run the model say nothing
 */
export function figuresByProfile(
  { profiles }: Pick<ModelFigures, 'profiles'>,
  devices: readonly Choosing[],
  model: string,
): FiguresByProfile {
  const all = new Map<string, Map<string, CostFigures>>();
  const put = (profile: string, artefact: string, figures: CostFigures): void => {
    const known = all.get(profile) ?? new Map<string, CostFigures>();
    all.set(profile, known.set(artefact, known.get(artefact) ?? figures));
  };
  for (const { profile, artefact, ...figures } of profiles) put(profile, artefact, { ...figures, isEstimate: false });
  for (const { profile, desired } of devices) {
    for (const { artefact, figures } of desired?.choices[model]?.candidates ?? []) {
      if (figures === undefined) continue;
      const { latencyMs, latencyMsP95, joulesPerInference, memoryBytes } = figures;
      put(profile, artefact, {
        latencyMs: estimated(latencyMs),
        latencyMsP95: estimated(latencyMsP95),
        joulesPerInference: estimated(joulesPerInference),
        memoryBytes: estimated(memoryBytes),
        devices: 0,
        isEstimate: true,
      });
    }
  }
  return new Map([...all].toSorted(([left], [right]) => left.localeCompare(right)));
}

export type Choosing = Pick<DeviceView, 'profile' | 'desired'>;

/** Figures of a choice that were measured stand among the measured ones, newer than what the choice kept. */
function estimated(figure: ChoiceFigure | null): number | null {
  return figure?.origin === 'estimate' ? figure.value : null;
}
