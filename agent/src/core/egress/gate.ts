import type { EgressPolicy } from '@starling/shared';

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

/** What a policy names of one pipeline, without the prefix. */
function own(names: readonly string[], prefix: string): ReadonlySet<string> {
  return new Set(names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)));
}
