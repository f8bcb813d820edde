import { type ExpandedPipeline, expandPipeline, HOME_PLACE, isStarlingError, messageOf } from '@starling/shared';
import type { PipelineEnds, RunningRelease } from '../core/ports/pipeline-ends.ts';
import type { RuntimeHost } from '../core/ports/runtime-host.ts';
import { type ParameterTexts, parametersHere } from './parameters.ts';
import { createSinks, type OpenSinks, type SinksPorts } from './sinks/index.ts';
import { createSources, type OpenSources, type SourcesPorts } from './sources/index.ts';
import { createFailingList } from './tell.ts';

export type EndsPorts = Omit<SourcesPorts, 'sink'> &
  SinksPorts & {
    host: Pick<RuntimeHost, 'infer'>;
    parameters: ParameterTexts;
    /** What fails now is another than before. */
    changed?: () => void;
    /** Where what waits to be sent lies. */
    directory: string;
  };

/** Items of the release before may still give values for a while. */
const LINGER_MS = 5_000;

/** What one pipeline of a release has open. */
interface Opened {
  pipeline: ExpandedPipeline;
  sources: OpenSources;
  sinks: OpenSinks;
}

/** Of the sources and sinks those that this device runs. */
function endsAt(places: readonly string[], pipeline: ExpandedPipeline): ExpandedPipeline {
  const here = Object.entries(pipeline.nodes).filter(([, node]) => !('source' in node || 'sink' in node) || places.includes(node.on));
  return { ...pipeline, nodes: Object.fromEntries(here) };
}

/** Opens the sources and sinks of the release that runs, and closes those of the one before. */
export function createPipelineEnds(given: EndsPorts): PipelineEnds {
  const failing = createFailingList(() => given.changed?.());
  const ports = { ...given, failing };
  const { host, tell, clock } = ports;
  const sources = createSources({
    ...ports,
    sink: {
      push: (node, values, { pipeline, stream, ...options }) => {
        const named = Object.fromEntries(Object.entries(values).map(([port, value]) => [`${node}.${port}`, value]));
        return host.infer({ ports: named }, { pipeline, source: stream, ...options });
      },
    },
  });
  const sinks = createSinks(ports, ports.directory);
  /** Release -> pipeline -> what is open. */
  const opened = new Map<string, ReadonlyMap<string, Opened>>();
  let newest: string | undefined;
  let role: string | undefined;
  // Switches one after the other: the connections of one are there before those of the next are asked for.
  let work: Promise<void> = Promise.resolve();

  const open = ({ digest, pipelines, egress, parameters, places = [HOME_PLACE] }: RunningRelease): void => {
    const lingering = opened.get(digest);
    if (lingering !== undefined) {
      // Back again before the last of its items are through: its sinks are there still, and its sources are closed.
      for (const each of lingering.values()) each.sources = sources.open(each.pipeline);
      return;
    }
    const expanded = pipelines.map((pipeline) =>
      endsAt(places, expandPipeline(pipeline, parametersHere(pipeline, ports.parameters, parameters?.[pipeline.name]))),
    );
    // Sinks first: the first item of a source may have values for them. Names of further pipelines have a prefix in the policy.
    const withSinks = expanded.map((pipeline, index) => ({
      pipeline,
      sinks: sinks.open(pipeline, egress, index === 0 ? '' : `${pipeline.name}:`),
    }));
    const ends = withSinks.map((each): [string, Opened] => [each.pipeline.name, { ...each, sources: sources.open(each.pipeline) }]);
    opened.set(digest, new Map(ends));
  };
  const close = async (digest: string): Promise<void> => {
    const release = opened.get(digest);
    if (release === undefined) return;
    await Promise.all([...release.values()].map((each) => each.sources.close()));
    await new Promise<void>((resolve) => clock.after(LINGER_MS, resolve));
    if (newest === digest) return;
    opened.delete(digest);
    await Promise.all([...release.values()].map((each) => each.sinks.close()));
  };
  const closeNow = async (digest: string): Promise<void> => {
    const release = opened.get(digest);
    opened.delete(digest);
    await Promise.all([...(release?.values() ?? [])].flatMap((each) => [each.sources.close(), each.sinks.close()]));
  };
  return {
    running(release) {
      const places = release?.places?.join(' ');
      if (release?.digest === newest && places === role) return;
      const before = newest;
      newest = release?.digest;
      role = places;
      work = work.then(async () => {
        try {
          // The same release in another role has other ends.
          if (before !== undefined && before === release?.digest) await closeNow(before);
          if (release !== undefined) open(release);
        } catch (error) {
          const known = isStarlingError(error) ? error : undefined;
          tell('error', known?.code ?? 'ends-failed', messageOf(error), known?.field === undefined ? {} : { field: known.field });
        }
        if (before !== undefined && before !== release?.digest) {
          close(before).catch((error: unknown) => tell('error', 'ends-failed', messageOf(error)));
        }
      });
    },
    deliver(release, pipeline, node, values, item) {
      const target = opened.get(release) ?? (newest === undefined ? undefined : opened.get(newest));
      void target?.get(pipeline)?.sinks.deliver(node, values, item);
    },
    failing: () => failing.list(),
    async close() {
      newest = undefined;
      await work;
      await sources.closeAll();
      await sinks.closeAll();
      opened.clear();
    },
  };
}
