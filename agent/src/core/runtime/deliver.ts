/** Values at sinks of a pipeline -> the control plane, which has the connections; past the egress policy of the release. */
import { type SinkNode, sinkRegistry } from '@starling/shared';
import { createEgressGate } from '../egress/index.ts';
import type { OperatorItem, Values } from '../pipelines/index.ts';
import type { HostEvent, InstalledRelease } from '../ports/runtime-host.ts';

/** What a sink node gets goes out as an event; what the policy does not let go stays, and is told once for each sink. */
export function createDelivery(
  pipeline: string,
  prefix: string,
  { release, digest, isShadow }: InstalledRelease,
  emit: (event: HostEvent) => void,
): (name: string, node: SinkNode, values: Values, item: OperatorItem) => Promise<void> {
  const gate = createEgressGate(release.policies.egress, prefix);
  const refused = new Set<string>();
  // A copy reaches nobody, whatever its policy says.
  if (isShadow === true) return async () => undefined;
  return async (name, node, values, { stream, sequence, timeMs, resultId }) => {
    const isLocal = sinkRegistry.get(node.sink)?.isLocal === true;
    if (isLocal || gate.allowsSink(name)) {
      const item = { stream, sequence, timeMs, ...(resultId === undefined ? {} : { resultId }) };
      emit({ type: 'deliver', pipeline, release: digest, node: name, values, item });
      return;
    }
    if (refused.has(name)) return;
    refused.add(name);
    const message = `the release does not let ${name} (${node.sink}) send anything away`;
    emit({ type: 'record', kind: 'events', payload: { level: 'warning', code: 'egress-refused', message, detail: { node: name } } });
  };
}
