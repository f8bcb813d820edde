import { type AnalysisSpec, StarlingError } from '@starling/shared';

/**
 * What nothing would ever measure is refused when it is written, not found inconclusive when it counts.
 * @throws StarlingError `not-measurable`
 */
export function requireMeasurable<Spec extends Pick<AnalysisSpec, 'objectives'>>(spec: Spec): Spec {
  for (const [index, { measure, pipeline }] of spec.objectives.entries()) {
    if (measure === 'agreement')
      throw new StarlingError(
        'not-measurable',
        'agreement is known of a shadow alone: nothing else answers an item that the champion answered',
        {
          field: `objectives.${index}.measure`,
          hint: 'make an experiment with "mode: shadow" and "goal: {measure: agreement, atLeast: 0.98}"; in a rollout, "accuracy" judges by feedback',
        },
      );
    if (measure === 'accuracy' && pipeline !== undefined)
      throw new StarlingError('not-measurable', 'feedback says which release gave a result, not which of its pipelines', {
        field: `objectives.${index}.pipeline`,
        hint: 'leave it out: accuracy is of the whole release',
      });
  }
  return spec;
}
