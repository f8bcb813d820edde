import { type Dimension, formatPortType, type PortType } from '../port-types.ts';

/**
 * What is known of the type variables and of the free dimensions of one graph. Each node has its own: `T` of one is not `T` of another,
 * until an edge makes them one.
 */
export class TypeScope {
  readonly #types = new Map<string, PortType>();
  readonly #dimensions = new Map<string, Dimension>();
  #fresh = 0;

  /** A type as it stands in a signature, for one node: its letters and names become those of the node. */
  instantiate(type: PortType, owner: string): PortType {
    if (type.kind === 'variable') return { kind: 'variable', name: `${owner}:${type.name}` };
    if (type.kind === 'list') return { kind: 'list', item: this.instantiate(type.item, owner) };
    if (type.kind !== 'tensor') return type;
    return { ...type, shape: type.shape.map((side) => (typeof side === 'number' ? side : `${owner}:${side}`)) };
  }

  /**
   * Makes two types one, and remembers what that says about their letters and names.
   * @returns why a value of type `from` may not flow into `to`, or undefined if it may
   */
  unify(from: PortType, to: PortType): string | undefined {
    const [left, right] = [this.#known(from), this.#known(to)];
    if (right.kind === 'any') return undefined;
    if (left.kind === 'variable' && right.kind === 'variable' && left.name === right.name) return undefined;
    if (right.kind === 'variable') return this.#bind(right.name, left);
    if (left.kind === 'variable') return this.#bind(left.name, right);
    if (left.kind === 'list' && right.kind === 'list') return this.unify(left.item, right.item);
    if (left.kind === 'tensor' && right.kind === 'tensor') return this.#unifyTensors(left, right);
    return left.kind === right.kind ? undefined : `${this.describe(left)} does not fit ${this.describe(right)}`;
  }

  /** As people write it; a letter that may still be anything is `any type`. */
  describe(type: PortType): string {
    const known = this.resolve(type);
    return known.kind === 'variable' ? 'any type' : formatPortType(plain(known));
  }

  /** With everything that is known put in. */
  resolve(type: PortType): PortType {
    const known = this.#known(type);
    if (known.kind === 'list') return { kind: 'list', item: this.resolve(known.item) };
    if (known.kind !== 'tensor') return known;
    return { ...known, shape: known.shape.map((side) => this.#length(side)) };
  }

  /** The items of a list may differ in the sides whose length is free: what is said about one says nothing about the next. */
  loosen(type: PortType, inList = false): PortType {
    const known = this.resolve(type);
    if (known.kind === 'list') return { kind: 'list', item: this.loosen(known.item, true) };
    if (known.kind !== 'tensor' || !inList) return known;
    return { ...known, shape: known.shape.map((side) => (typeof side === 'number' ? side : this.#another(side))) };
  }

  #another(side: string): string {
    this.#fresh += 1;
    return `${this.#fresh}:${nameOf(side)}`;
  }

  #known(type: PortType): PortType {
    let known = type;
    while (known.kind === 'variable') {
      const bound = this.#types.get(known.name);
      if (bound === undefined) return known;
      known = bound;
    }
    return known;
  }

  #bind(name: string, type: PortType): string | undefined {
    if (mentions(this.resolve(type), name)) return `${this.describe(type)} would have to be a list of itself`;
    this.#types.set(name, type);
    return undefined;
  }

  #length(side: Dimension): Dimension {
    let known = side;
    while (typeof known === 'string') {
      const bound = this.#dimensions.get(known);
      if (bound === undefined) return known;
      known = bound;
    }
    return known;
  }

  #unifyTensors(from: Tensor, to: Tensor): string | undefined {
    if (from.elementType !== to.elementType) return `element type ${from.elementType} is not ${to.elementType}`;
    if (from.shape.length !== to.shape.length) return `${from.shape.length} dimensions instead of ${to.shape.length}`;
    for (let axis = 0; axis < from.shape.length; axis += 1) {
      const [given, wanted] = [from.shape[axis] ?? 0, to.shape[axis] ?? 0];
      const [left, right] = [this.#length(given), this.#length(wanted)];
      if (left === right) continue;
      if (typeof right === 'string') this.#dimensions.set(right, left);
      else if (typeof left === 'string') this.#dimensions.set(left, right);
      else return `dimension ${axis} is ${sideText(given, left)} instead of ${sideText(wanted, right)}`;
    }
    return undefined;
  }
}

type Tensor = Extract<PortType, { kind: 'tensor' }>;

/** A side that has a name and got its length elsewhere says both. */
function sideText(side: Dimension, length: Dimension): string {
  return typeof side === 'string' ? `${length} (${nameOf(side)}, as elsewhere in the graph)` : String(length);
}

function nameOf(side: string): string {
  return side.slice(side.lastIndexOf(':') + 1);
}

function plain(type: PortType): PortType {
  if (type.kind === 'variable') return { kind: 'variable', name: nameOf(type.name) };
  if (type.kind === 'list') return { kind: 'list', item: plain(type.item) };
  if (type.kind !== 'tensor') return type;
  return { ...type, shape: type.shape.map((side) => (typeof side === 'string' ? nameOf(side) : side)) };
}

function mentions(type: PortType, name: string): boolean {
  if (type.kind === 'list') return mentions(type.item, name);
  return type.kind === 'variable' && type.name === name;
}
