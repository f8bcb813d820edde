import {
  cutPorts,
  cyclesAcrossPlaces,
  type ExpandedPipeline,
  expandPipeline,
  HOME_PLACE,
  modelsAtPlaces,
  type Pipeline,
  type PipelinePart,
  parametersFor,
  type Release,
  resolveParameters,
  StarlingError,
  splitByPlace,
} from '@starling/shared';

/** Which machines a release needs, and for what. */
export interface ReleasePlan {
  /** The parts that run elsewhere than on the device with the item, by pipeline. */
  parts: readonly (PipelinePart & { pipeline: string })[];
  /** Places beside the device itself. */
  places: readonly string[];
  /** Models of the nodes at these places; of the device itself if none are given. */
  modelsAt(places: readonly string[] | null): string[];
}

type Placed = Pick<Release, 'pipeline' | 'parameters'>;

/** @param pipelines those of the release, the first one first */
export function planRelease(release: Placed, pipelines: readonly Pipeline[]): ReleasePlan {
  const expanded = pipelines.map((pipeline) => expandedFor(release, pipeline));
  const parts = expanded.flatMap((pipeline) => splitByPlace(pipeline).map((part) => ({ ...part, pipeline: pipeline.name })));
  return {
    parts,
    places: [...new Set(parts.map(({ place }) => place))],
    modelsAt: (places) => [...new Set(expanded.flatMap((pipeline) => modelsAtPlaces(pipeline, places ?? [HOME_PLACE])))],
  };
}

function expandedFor(release: Placed, pipeline: Pipeline): ExpandedPipeline {
  const values = { by: 'release' as const, values: parametersFor(release as Release, pipeline.name) };
  return expandPipeline(pipeline, resolveParameters(pipeline.parameters, values));
}

/**
 * What would wait for itself, or begin elsewhere than at a device, is refused; and what goes from one machine to another has to be let.
 * @param field where the pipeline stands in the release
 * @param prefix before names of its ports in policies
 * @throws StarlingError `invalid-placement`
 * @returns ports whose values leave their machine, as policies name them
 */
export function requirePlacement(release: Placed, pipeline: Pipeline, field: string, prefix: string): string[] {
  const expanded = expandedFor(release, pipeline);
  const [cycle] = cyclesAcrossPlaces(expanded);
  if (cycle !== undefined) {
    const message = `${cycle.nodes.join(', ')} of ${pipeline.name} wait for each other through a delay, on ${cycle.places.join(' and ')}`;
    throw new StarlingError('invalid-placement', message, { field, hint: 'let all of them run in one place' });
  }
  const source = Object.entries(expanded.nodes).find(([, node]) => 'source' in node && node.on !== HOME_PLACE);
  if (source !== undefined) {
    const hint = 'take `on` away from it, and from the node that contains it: the nodes behind a source may run elsewhere';
    throw new StarlingError(
      'invalid-placement',
      `${source[0]} of ${pipeline.name} is a source on ${source[1].on}, but items begin at the device`,
      { field, hint },
    );
  }
  return cutPorts(splitByPlace(expanded)).map((port) => prefix + port);
}

/** @throws StarlingError `stream-not-allowed`, `unknown-stream` */
export function requireStreams(allowed: readonly string[], cut: readonly string[]): void {
  const missing = cut.filter((port) => !allowed.includes(port));
  if (missing.length > 0) {
    throw new StarlingError('stream-not-allowed', `values go to another machine, and the policy keeps them: ${missing.join(', ')}`, {
      field: 'policies.egress.streams',
      hint: `allow them with ${missing.map((port) => `--allow-stream ${port}`).join(' ')}, or run what is on both ends in one place`,
    });
  }
  const unknown = allowed.find((port) => !cut.includes(port));
  if (unknown === undefined) return;
  throw new StarlingError('unknown-stream', `no edge from ${unknown} goes to another machine`, {
    field: 'policies.egress.streams',
    hint: cut.length === 0 ? 'all nodes run on the device' : `those that do: ${cut.join(', ')}`,
  });
}
