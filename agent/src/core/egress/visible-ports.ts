import { OUTPUT_NODE, type Pipeline, parsePortReference, StarlingError } from '@starling/shared';
import type { EgressGate } from './gate.ts';

/** The ports of a pipeline, as far as somebody from outside may look at them. */
export interface VisiblePorts {
  /** All ports that may be looked at. */
  allowed: readonly string[];
  isAllowed(port: string): boolean;
  /**
   * Ports by their names; `output.NAME` is what gives that output.
   * @throws StarlingError `unknown-edge`, `egress-refused`
   */
  require(references: readonly string[]): string[];
}

/**
 * A port may be looked at if the policy names it, or if it alone gives an output that the policy lets out: its values leave anyway.
 * @param ports all ports of the pipeline as it runs
 * @param prefix before names of its ports in the policy; empty for the main pipeline of a release
 */
export function createVisiblePorts(
  pipeline: Pick<Pipeline, 'edges'>,
  ports: readonly string[],
  gate: EgressGate,
  prefix = '',
): VisiblePorts {
  const giversOf = new Map<string, string[]>();
  for (const { from, to } of pipeline.edges) {
    const { node, port } = parsePortReference(to);
    if (node === OUTPUT_NODE) giversOf.set(port, [...(giversOf.get(port) ?? []), from]);
  }
  const given = new Set(
    [...giversOf].flatMap(([name, givers]) => (givers.length === 1 && Object.hasOwn(gate.outputs({ [name]: true }), name) ? givers : [])),
  );
  const known = new Set(ports);
  const isAllowed = (port: string): boolean => gate.allowsEdge(port) || given.has(port);
  const resolve = (reference: string): string => {
    const { node, port } = parsePortReference(reference);
    const givers = node === OUTPUT_NODE ? (giversOf.get(port) ?? []) : [];
    return givers.length === 1 ? (givers[0] as string) : reference;
  };
  return {
    allowed: ports.filter(isAllowed),
    isAllowed,
    require: (references) =>
      references.map((reference, index) => {
        const port = resolve(reference);
        const field = `arguments.edges.${index}`;
        if (!known.has(port)) {
          throw new StarlingError('unknown-edge', `the pipeline that runs has no port ${reference}`, {
            field,
            hint: `ports: ${ports.join(', ')}`,
          });
        }
        // Attack: a taken fleet asks for pictures. The publisher's signed policy decides, and nobody else.
        if (!isAllowed(port)) {
          throw new StarlingError('egress-refused', `the policy of the release keeps the values of ${reference} on the device`, {
            field,
            hint: `make a release whose policies.egress.edges names "${prefix}${port}"`,
          });
        }
        return port;
      }),
  };
}
