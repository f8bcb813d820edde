import type { BuildRecipe, BuildTarget } from '@starling/shared';

export type IntegerType = 'uint8' | 'int8';

/** What the int8 kernels of a target want. */
export interface TargetRules {
  activations: IntegerType;
  /** Zero points of activations are 0. */
  symmetric: boolean;
  /** Whether two products of neighbouring weights are added in 16 bits. */
  pairsIn16Bits: boolean;
  /**
   * `whole`: runs of operators stay in integers, for runtimes with integer kernels of nearly everything. `inputs`: only the inputs and
   * weights of products are quantised, and the engine that compiles the graph decides how far integers reach.
   */
  reach: 'whole' | 'inputs';
}

const rules: Readonly<Record<BuildTarget, TargetRules>> = {
  // Must be right everywhere, so it may not count on VNNI.
  portable: { activations: 'uint8', symmetric: false, pairsIn16Bits: true, reach: 'whole' },
  'x86-vnni': { activations: 'uint8', symmetric: false, pairsIn16Bits: false, reach: 'whole' },
  'x86-avx2': { activations: 'uint8', symmetric: false, pairsIn16Bits: true, reach: 'whole' },
  arm: { activations: 'int8', symmetric: false, pairsIn16Bits: false, reach: 'whole' },
  tensorrt: { activations: 'int8', symmetric: true, pairsIn16Bits: false, reach: 'inputs' },
};

export function rulesOf({ target, activations }: Pick<BuildRecipe, 'target' | 'activations'>): TargetRules {
  const { symmetric, ...rest } = rules[target];
  const type = activations === undefined ? rest.activations : activations === 'u8' ? 'uint8' : 'int8';
  // Unsigned numbers around 0 would waste half of their range.
  return { ...rest, activations: type, symmetric: symmetric && type === 'int8' };
}
