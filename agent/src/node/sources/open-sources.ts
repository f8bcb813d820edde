import {
  isStarlingError,
  messageOf,
  type Pipeline,
  type SourceName,
  type SourceNode,
  type SourceParams,
  StarlingError,
  sourceSignatures,
} from '@starling/shared';
import { createKeptOpen } from '../kept-open.ts';
import { openFolder } from './folder.ts';
import { openHttp } from './http.ts';
import { openMqttSource } from './mqtt.ts';
import { openSound } from './sound.ts';
import type { OpenSource, Source, SourceContext, SourceSink } from './source.ts';
import { openTimer } from './timer.ts';
import { openRtsp, openV4l2, openVideoFile } from './video.ts';

/** A source for every signature: a missing one does not compile. */
const openers: { readonly [Name in SourceName]: OpenSource<SourceParams<Name>> } = {
  folder: openFolder,
  video: openVideoFile,
  rtsp: openRtsp,
  v4l2: openV4l2,
  camera() {
    throw new StarlingError('unsupported-source', 'the source "camera" is that of a browser', {
      field: 'source',
      hint: 'use v4l2 for a camera at this machine, rtsp for one in the network',
    });
  },
  http: openHttp,
  mqtt: openMqttSource,
  timer: openTimer,
  audio: openSound,
};

export interface OpenSources {
  /** Resolves when every source has come to its end by itself; never where one has none. */
  ended(): Promise<void>;
  close(): Promise<void>;
}

export interface Sources {
  /** Opens the sources of a release beside those of the release before; the ones that both have in the same form stay open. */
  open(pipeline: Pick<Pipeline, 'name' | 'nodes'>): OpenSources;
  closeAll(): Promise<void>;
}

export type SourcesPorts = Omit<SourceContext, 'node' | 'pipeline' | 'push'> & { sink: SourceSink };

/** One that is open, as `kept-open` wants it. */
interface KeptSource {
  source: Source;
  close(): Promise<void>;
}

export function createSources({ sink, ...ports }: SourcesPorts): Sources {
  const kept = createKeptOpen<KeptSource>();
  const openOne = (pipeline: string, node: string, name: SourceName, params: unknown): KeptSource => {
    const source = (openers[name] as OpenSource<unknown>)(params, {
      ...{ ...ports, pipeline, node },
      push: (values, { stream = node, timeMs = Math.round(ports.clock.wallMs()), ...rest } = {}) => {
        return sink.push(node, values, { ...rest, pipeline, stream, timeMs });
      },
    });
    return { source, close: () => source.close() };
  };
  return {
    open(pipeline) {
      const opened: { key: string; source: Source }[] = [];
      for (const [node, declared] of Object.entries(pipeline.nodes)) {
        if (!('source' in declared)) continue;
        try {
          const { name, params } = checkedParams(node, declared);
          const key = JSON.stringify([pipeline.name, node, name, params]);
          opened.push({ key, source: kept.take(key, () => openOne(pipeline.name, node, name, params)).source });
        } catch (error) {
          const known = isStarlingError(error) ? error : undefined;
          ports.tell('error', known?.code ?? 'source-failed', `${node}: ${messageOf(error)}`, {
            node,
            ...(known?.field === undefined ? {} : { field: known.field }),
            ...(known?.hint === undefined ? {} : { hint: known.hint }),
          });
        }
      }
      return {
        async ended() {
          const never = new Promise<void>(() => undefined);
          await Promise.all(opened.map(({ source }) => source.ended ?? never));
        },
        async close() {
          await Promise.all(opened.map(({ key }) => kept.give(key)));
        },
      };
    },
    closeAll: () => kept.closeAll(),
  };
}

/** @throws StarlingError `unknown-source`, `invalid-params` */
function checkedParams(node: string, { source, params }: SourceNode): { name: SourceName; params: unknown } {
  if (!isSourceName(source)) {
    const hint = 'update the agent';
    throw new StarlingError('unknown-source', `this agent has no source "${source}"`, { field: `nodes.${node}.source`, hint });
  }
  const parsed = sourceSignatures[source].params.safeParse(params);
  if (parsed.success) return { name: source, params: parsed.data };
  const [issue] = parsed.error.issues;
  const field = ['nodes', node, 'params', ...(issue?.path ?? [])].join('.');
  throw new StarlingError('invalid-params', `${field}: ${issue?.message ?? 'invalid'}`, { field });
}

function isSourceName(name: string): name is SourceName {
  return Object.hasOwn(sourceSignatures, name);
}
