/** A model, its layers and a method -> how much each layer suffers when it alone is quantised -> the layers to leave in float. */

export { bySensitivity, measureSensitivity, type SensitivitySettings } from './measure.ts';
export { type MixedPrecision, type MixedPrecisionSearch, requireBudget, searchMixedPrecision } from './search.ts';
