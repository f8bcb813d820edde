import { join } from 'node:path';
import {
  type EgressPolicy,
  isStarlingError,
  messageOf,
  type Pipeline,
  type SinkName,
  type SinkNode,
  type SinkParams,
  StarlingError,
  sinkSignatures,
} from '@starling/shared';
import { createEgressGate } from '../../core/egress/index.ts';
import { openFileStore } from '../file-store.ts';
import { createKeptOpen } from '../kept-open.ts';
import { openFileSink } from './file.ts';
import { openHomeAssistant } from './home-assistant.ts';
import { openMqttSink } from './mqtt.ts';
import type { OpenSink, Sink, SinkItem, SinkPorts, SinkStore } from './sink.ts';
import { openWebhook } from './webhook.ts';

/** A sink for every signature: a missing one does not compile. */
const openers: { readonly [Name in SinkName]: OpenSink<SinkParams<Name>> } = {
  mqtt: openMqttSink,
  webhook: openWebhook,
  file: openFileSink,
  'home-assistant': openHomeAssistant,
};

/** The sinks of one release. */
export interface OpenSinks {
  /** Hands a value over. Resolves when it waits to be sent; what cannot be sent is told as an event, and is no error here. */
  deliver(node: string, values: Readonly<Record<string, unknown>>, item: SinkItem): Promise<void>;
  /** Nodes of which values were not sent yet, with how many. */
  waiting(): { node: string; count: number }[];
  close(): Promise<void>;
}

export interface Sinks {
  /**
   * Opens the sinks of a release beside those of the release before; the ones that both have in the same form stay open.
   * @param egress what the publisher lets leave: a sink that it does not name sends nothing
   * @param prefix before names of this pipeline in the policy; the main one of a release has none
   */
  open(pipeline: Pick<Pipeline, 'name' | 'nodes'>, egress: EgressPolicy, prefix?: string): OpenSinks;
  closeAll(): Promise<void>;
}

export type SinksPorts = Omit<SinkPorts, 'storeOf'>;

/** @param directory where what waits to be sent lies */
export function createSinks(ports: SinksPorts, directory: string): Sinks {
  const kept = createKeptOpen<Sink>();
  const storeOf = createStores(directory);
  return {
    open(pipeline, egress, prefix) {
      const gate = createEgressGate(egress, prefix);
      const sinks = new Map<string, { key: string; sink: Sink }>();
      for (const [node, declared] of sinkNodes(pipeline.nodes)) {
        try {
          const { signature, params } = checkedParams(node, declared);
          // Not even a connection. The runtime host, which holds the values back as well, tells of it.
          if (!signature.isLocal && !gate.allowsSink(node)) continue;
          const key = JSON.stringify([pipeline.name, node, declared.sink, params]);
          const open = openers[signature.name] as OpenSink<unknown>;
          sinks.set(node, { key, sink: kept.take(key, () => open(params, { node, pipeline: pipeline.name }, { ...ports, storeOf })) });
        } catch (error) {
          tellFailed(ports, node, error);
        }
      }
      return {
        async deliver(node, values, item) {
          await sinks
            .get(node)
            ?.sink.deliver(values, item)
            .catch((error: unknown) => tellFailed(ports, node, error));
        },
        waiting: () =>
          [...sinks].flatMap(([node, { sink }]) => {
            const count = sink.waiting?.() ?? 0;
            return count === 0 ? [] : [{ node, count }];
          }),
        async close() {
          await Promise.all([...sinks.values()].map(({ key }) => kept.give(key)));
        },
      };
    },
    closeAll: () => kept.closeAll(),
  };
}

function sinkNodes(nodes: Pipeline['nodes']): [string, SinkNode][] {
  return Object.entries(nodes).flatMap(([name, node]): [string, SinkNode][] => ('sink' in node ? [[name, node]] : []));
}

/** @throws StarlingError `unknown-sink`, `invalid-params` */
function checkedParams(node: string, { sink, params }: SinkNode) {
  if (!isSinkName(sink)) {
    throw new StarlingError('unknown-sink', `this agent has no sink "${sink}"`, { field: `nodes.${node}.sink`, hint: 'update the agent' });
  }
  const signature = sinkSignatures[sink];
  const parsed = signature.params.safeParse(params);
  if (parsed.success) return { signature, params: parsed.data as unknown };
  const [issue] = parsed.error.issues;
  const field = ['nodes', node, 'params', ...(issue?.path ?? [])].join('.');
  throw new StarlingError('invalid-params', `${field}: ${issue?.message ?? 'invalid'}`, { field });
}

function isSinkName(name: string): name is SinkName {
  return Object.hasOwn(sinkSignatures, name);
}

function tellFailed({ tell }: Pick<SinkPorts, 'tell'>, node: string, error: unknown): void {
  const known = isStarlingError(error);
  const details = known
    ? { ...(error.field === undefined ? {} : { field: error.field }), ...(error.hint === undefined ? {} : { hint: error.hint }) }
    : {};
  tell('error', known ? error.code : 'sink-failed', `${node}: ${messageOf(error)}`, { node, ...details });
}

/** One user of a folder at a time: the next waits until it is free. */
function createStores(directory: string): (name: string) => Promise<SinkStore> {
  const busy = new Map<string, Promise<void>>();
  return async (name) => {
    const folder = name.replaceAll(/[^A-Za-z0-9_-]/g, '.');
    const before = busy.get(folder) ?? Promise.resolve();
    let free = (): void => undefined;
    busy.set(
      folder,
      before.then(() => new Promise<void>((resolve) => (free = resolve))),
    );
    await before;
    // Taken in a later turn than `free` is set, which is why it is read when it is called.
    return { files: await openFileStore(join(directory, folder)), free: () => free() };
  };
}
