import { type Edge, OUTPUT_NODE, type Policies, parsePortReference } from '@starling/shared';

/**
 * Whether the values of a port may be looked at: the policy names it, or it alone gives an output that leaves anyway. The device has
 * the last word; this only says it before one asks.
 */
export function isVisible(port: string, edges: readonly Pick<Edge, 'from' | 'to'>[], { egress }: Pick<Policies, 'egress'>): boolean {
  if (egress.edges.includes(port)) return true;
  return edges.some(({ from, to }) => {
    const target = parsePortReference(to);
    if (from !== port || target.node !== OUTPUT_NODE || !egress.outputs.includes(target.port)) return false;
    return edges.filter((each) => each.to === to).length === 1;
  });
}

/**
 * The picture over which what a port gives can be drawn: the nearest one before it that may be looked at.
 * @param pictureAt under which name the picture that a port gives is watched; undefined where it gives none
 */
export function pictureBefore(
  port: string,
  edges: readonly Pick<Edge, 'from' | 'to'>[],
  pictureAt: (port: string) => string | undefined,
): string | undefined {
  const seen = new Set<string>();
  const open = [parsePortReference(port).node];
  for (let node = open.shift(); node !== undefined; node = open.shift()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const feeding = edges.filter(({ to }) => parsePortReference(to).node === node).map(({ from }) => from);
    const picture = feeding.map(pictureAt).find((name) => name !== undefined);
    if (picture !== undefined) return picture;
    open.push(...feeding.map((from) => parsePortReference(from).node));
  }
  return undefined;
}
