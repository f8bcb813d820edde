import { type EgressPolicy, type Policies, StarlingError } from '@starling/shared';

/** The one door through which a value leaves the runtime host. */
export interface EgressGate {
  /** Keeps only the outputs that the policy names. */
  outputs(values: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** May the values of this port (`node.port`) leave, as a tap or a capture? */
  allowsEdge(port: string): boolean;
  /** May the sink of this node send values away? Sinks that keep them on the device are not asked about. */
  allowsSink(node: string): boolean;
  /** May the values of this port (`node.port`) go to, or come back from, another machine that runs a part of the pipeline? */
  allowsStream(port: string): boolean;
}

/**
 * Closed by default: what the publisher did not allow does not pass, and nothing but the signed release can open it.
 * @param prefix before the names of one pipeline of several, `NAME:`; the main one has none
 */
export function createEgressGate(policy: EgressPolicy, prefix = ''): EgressGate {
  const [outputs, edges, sinks, streams] = [policy.outputs, policy.edges, policy.sinks, policy.streams ?? []].map((names) =>
    own(names, prefix),
  );
  return {
    outputs: (values) => Object.fromEntries(Object.entries(values).filter(([name]) => outputs?.has(name))),
    allowsEdge: (port) => edges?.has(port) === true,
    allowsSink: (node) => sinks?.has(node) === true,
    allowsStream: (port) => streams?.has(port) === true,
  };
}

/**
 * May values be kept for learning at all? Which ones is asked beside that: as those of a tap.
 * @throws StarlingError `capture-refused`
 */
export function requireCaptureAllowed({ capture }: Pick<Policies, 'capture'>, edges: readonly string[]): void {
  // Attack: a taken fleet collects what people only agreed to have looked at. The publisher's signed policy decides, and nobody else.
  if (capture.enabled) return;
  throw new StarlingError('capture-refused', `${edges.join(', ')} cannot be captured: the policy of the release allows no captures`, {
    field: 'arguments.edges',
    hint: 'make a release whose policies.capture.enabled is true',
  });
}

/** What a policy names of one pipeline, without the prefix. */
function own(names: readonly string[], prefix: string): ReadonlySet<string> {
  return new Set(names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)));
}
