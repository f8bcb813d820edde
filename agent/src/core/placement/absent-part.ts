import {
  type ExpandedGraph,
  INPUT_NODE,
  operatorRegistry,
  type PipelineNode,
  parsePortReference,
  StarlingError,
  triggersOf,
} from '@starling/shared';
import { createGraph, type ItemInput, planGraph, type Values } from '../pipelines/index.ts';
import type { Clock } from '../ports/clock.ts';

/** A part of a pipeline as the device with the item can think it through without the machine that runs it. */
export interface AbsentPart {
  /** Would any node of the part run for an item that brings these values? If not, nobody needs to be asked. */
  wouldRun(values: Values): boolean;
  /**
   * What the part gives when each of its nodes fails alike: nodes that may fail give their errors, and their outputs stay away.
   * @throws the error, with the name of the first node that may not fail
   */
  fail(values: Values, error: StarlingError): Promise<Values>;
}

/** Inputs that a node of the part can do without. */
export type OptionalInputs = (name: string, node: PipelineNode) => readonly string[];

export function createAbsentPart(part: ExpandedGraph, clock: Clock, optionalOf: OptionalInputs = optionalInputsOf): AbsentPart {
  const graph = { ...part, nodes: Object.fromEntries(Object.entries(part.nodes).map(([name, node]) => [name, bare(node)])) };
  const ports = portsOf(graph);
  const through = (values: Values, visit: (name: string) => Values): Promise<Values> => {
    const plan = planGraph(graph, (name, node) => ({
      work: { outputNames: ports.get(name) ?? [], run: () => visit(name), runEach: async () => [] },
      optional: optionalOf(name, node),
    }));
    const named = Object.fromEntries(Object.entries(values).map(([port, value]) => [`${INPUT_NODE}.${port}`, value]));
    const item: ItemInput = { values: named, stream: '', timeMs: 0 };
    return createGraph(plan, { clock })
      .run(item)
      .then(({ outputs }) => outputs);
  };
  return {
    wouldRun(values) {
      let hasRun = false;
      // Nothing in it needs waiting, so all that would run has run when the call is back.
      through(values, () => {
        hasRun = true;
        return {};
      }).catch(() => undefined);
      return hasRun;
    },
    fail: (values, error) =>
      through(values, (name) => {
        const { code, message, retryable } = error;
        throw new StarlingError(code, `${name}: ${message}`, { field: `nodes.${name}`, retryable, cause: error });
      }),
  };
}

/** It fails at once, and once: nothing is tried again, waited for, or done for each item of a list. */
function bare(node: PipelineNode): PipelineNode {
  if ('sink' in node || 'source' in node) return node;
  const { retry: _retry, timeoutMs: _timeoutMs, concurrency: _concurrency, joinWindowMs: _joinWindowMs, ...rest } = node;
  return { ...rest, each: false } as PipelineNode;
}

/** The ports of each node that somebody reads; of models nothing else is known here. */
function portsOf({ nodes, edges }: ExpandedGraph): Map<string, string[]> {
  const ports = new Map<string, Set<string>>();
  const read = [...edges.map(({ from }) => from), ...Object.values(nodes).flatMap((node) => triggersOf(node))];
  for (const reference of read) {
    const { node, port } = parsePortReference(reference);
    // It comes to be where somebody reads it.
    if (port !== 'error') ports.set(node, (ports.get(node) ?? new Set()).add(port));
  }
  return new Map([...ports].map(([node, names]) => [node, [...names]]));
}

function optionalInputsOf(_name: string, node: PipelineNode): readonly string[] {
  const signature = 'op' in node ? operatorRegistry.get(node.op) : undefined;
  if (signature === undefined || !('op' in node)) return [];
  const params = signature.params.safeParse(node.params);
  const declared = params.success ? signature.ports?.(params.data as never) : undefined;
  return (declared ?? signature).optional ?? [];
}
