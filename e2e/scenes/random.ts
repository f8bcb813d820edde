import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Repeatable choices: the same seed and stream give the same ones for ever. */
export interface Random {
  /** Both ends included. */
  integer(from: number, to: number): number;
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** Standard normal. */
  normal(): number;
}

/** @param stream sets apart what comes from one seed, so that the 12th scene is the same whether 20 or 300 are made */
export function seededRandom(seed: number, stream: number): Random {
  const source = xoroshiro128plus(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35));
  const unit = (): number => uniformFloat64(source);
  const integer = (from: number, to: number): number => uniformInt(source, from, to);
  return {
    integer,
    between: (from, to) => from + unit() * (to - from),
    chance: (probability) => unit() < probability,
    pick: <Item>(items: readonly Item[]): Item => items[integer(0, items.length - 1)] as Item,
    // Box and Muller; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
  };
}
