import {
  type ExpandedGraph,
  type ExpandedPipeline,
  graphOfPart,
  type PipelinePart,
  partNodeName,
  type ShownPart,
  StarlingError,
} from '@starling/shared';
import type { EgressGate } from '../egress/index.ts';
import type { BoundNode, OperatorItem, Values } from '../pipelines/index.ts';
import type { Clock } from '../ports/clock.ts';
import { createAbsentPart, type OptionalInputs } from './absent-part.ts';
import type { HomeStream } from './home-stream.ts';
import type { PartStreams } from './streams.ts';

/** What the parts of a pipeline that run elsewhere are bound to. */
export interface BoundParts {
  part(name: string): BoundNode | undefined;
  close(): void;
}

export interface ShowParts {
  /** Of each value. */
  maximumBytes: number;
  shown(part: ShownPart): void;
}

export interface PartPorts {
  clock: Clock;
  streams: Pick<PartStreams, 'openHome'>;
  gate: Pick<EgressGate, 'allowsStream'>;
  /** Before names of its ports in the policy. */
  prefix: string;
  release: string;
  /** A replay: it has nothing to do with the items that are live. */
  isBeside: boolean;
  /** Of a replay: what the edges of the parts carried. */
  show?: ShowParts | undefined;
  /** What nodes can do without; as their signatures say if it is not given. */
  optionalOf?: OptionalInputs;
}

/** A pipeline that is spread out. */
export type PlacedPipeline = ExpandedGraph & Pick<ExpandedPipeline, 'name' | 'deadlineMs'>;

/** How long an item waits for a machine that is away, where neither the nodes nor the pipeline say it. */
const PATIENCE_MS = 30_000;
const PATIENCE_MINIMUM_MS = 1_000;
/** Of the age at which the item is given up: the failure of the part has to come before, so that `onError` can act on it. */
const PATIENCE_OF_DEADLINE = 0.8;

export function bindParts(pipeline: PlacedPipeline, parts: readonly PipelinePart[], ports: PartPorts): BoundParts {
  const streams: HomeStream[] = [];
  const bound = new Map<string, BoundNode>();
  for (const part of parts) {
    const { release, isBeside } = ports;
    const about = { release, pipeline: pipeline.name, part: part.name, place: part.place, isBeside };
    const stream = ports.streams.openHome(about, patienceOf(pipeline, part));
    streams.push(stream);
    bound.set(partNodeName(part), bindPart(pipeline, part, stream, ports));
  }
  return {
    part: (name) => bound.get(name),
    close() {
      for (const stream of streams) stream.close();
    },
  };
}

function patienceOf({ nodes, deadlineMs }: PlacedPipeline, part: PipelinePart): number {
  const limits = part.nodes.flatMap((name) => {
    const node = nodes[name];
    return node !== undefined && 'timeoutMs' in node && node.timeoutMs !== undefined ? [node.timeoutMs] : [];
  });
  if (deadlineMs !== undefined) limits.push(deadlineMs * PATIENCE_OF_DEADLINE);
  return Math.max(PATIENCE_MINIMUM_MS, Math.min(PATIENCE_MS, ...limits));
}

function bindPart(pipeline: PlacedPipeline, part: PipelinePart, stream: HomeStream, ports: PartPorts): BoundNode {
  const { clock, gate, prefix, optionalOf, show } = ports;
  const absent = createAbsentPart(graphOfPart(pipeline, part), clock, optionalOf);
  const inputs = new Map(part.inputs.map((input) => [input.name, input]));
  const run = (values: Values, { stream: name, sequence, timeMs, signal, traceparent }: OperatorItem): Values | Promise<Values> => {
    const names = Object.keys(values);
    // What stays at home anyway costs no message. Decided at once: items go out in the order in which they come here.
    if (names.length < inputs.size && !absent.wouldRun(values)) return {};
    for (const input of names) requireEgress(inputs.get(input)?.from ?? input, gate, prefix);
    const carried = Object.fromEntries(names.map((input) => [input, inputs.get(input)?.isSignal === true ? true : values[input]]));
    const about = { stream: name, sequence, timeMs, ...(traceparent === undefined ? {} : { traceparent }) };
    const watched = show === undefined ? {} : { showBytes: show.maximumBytes, onShown: show.shown };
    return stream.run({ ...about, ...watched, signal, values: carried }).catch((error: unknown) => {
      if (error instanceof StarlingError && error.code === 'place-unreachable') return absent.fail(values, error);
      throw error;
    });
  };
  return {
    work: { outputNames: part.outputs, run, runEach: async () => [] },
    optional: [...inputs.keys()],
    window: stream.window,
  };
}

/** @throws StarlingError `egress-refused` */
export function requireEgress(port: string, gate: Pick<EgressGate, 'allowsStream'>, prefix: string): void {
  // Attack: a taken fleet names a worker of its own for a release that lets nothing out. The publisher's signed policy decides.
  if (gate.allowsStream(port)) return;
  throw new StarlingError('egress-refused', `the policy of the release keeps the values of ${port} on the machine that has them`, {
    hint: `make a release whose policies.egress.streams names "${prefix}${port}"`,
  });
}
