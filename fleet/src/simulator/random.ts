/** Repeatable choices: the same seed and stream give the same ones. */
export interface Random {
  /** From 0 up to, not including, 1. */
  unit(): number;
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** Standard normal. */
  normal(): number;
}

/** @param stream sets apart what comes from one seed, so that the 12th device is the same whether 20 or 10,000 are made */
export function seededRandom(seed: number, stream: number): Random {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)) >>> 0;
  // Mulberry32 (Tommy Ettinger, 2017, public domain): small, quick, and good enough to make devices differ.
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    unit,
    between: (from, to) => from + unit() * (to - from),
    chance: (probability) => unit() < probability,
    pick: <Item>(items: readonly Item[]): Item => items[Math.floor(unit() * items.length)] as Item,
    // Box and Muller; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
  };
}
