/** Edges that may leave -> a release that finds bright spots without any model, so that nothing has to be built for it. */
import type { PipelineInput, ReleaseView } from '@starling/shared';
import type { RunningFleet } from '../harness/running-fleet.ts';

const brightSpots: PipelineInput = {
  kind: 'pipeline',
  schemaVersion: 1,
  name: 'bright-spots',
  version: '1.0.0',
  inputs: { image: 'encoded-image' },
  outputs: { boxes: 'boxes', spots: 'list<json>' },
  nodes: {
    decode: { op: 'image.decode' },
    resize: { op: 'image.resize', params: { longestSide: 32 } },
    grey: { op: 'image.to-grey-tensor' },
    spots: { op: 'dbnet.decode' },
    cut: { op: 'image.crop-quads' },
    looks: { pipeline: 'look', each: true },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'resize.image' },
    { from: 'resize.image', to: 'grey.image' },
    { from: 'grey.tensor', to: 'spots.map' },
    { from: 'decode.image', to: 'spots.source' },
    { from: 'spots.boxes', to: 'output.boxes' },
    { from: 'decode.image', to: 'cut.image' },
    { from: 'spots.boxes', to: 'cut.boxes' },
    { from: 'cut.images', to: 'looks.image' },
    { from: 'looks.statistics', to: 'output.spots' },
  ],
  pipelines: {
    look: {
      inputs: { image: 'image' },
      outputs: { statistics: 'json' },
      nodes: { small: { op: 'image.resize', params: { longestSide: 32 } }, measure: { op: 'image.statistics' } },
      edges: [
        { from: 'input.image', to: 'small.image' },
        { from: 'small.image', to: 'measure.image' },
        { from: 'measure.statistics', to: 'output.statistics' },
      ],
    },
  },
};

export async function publishBrightSpots(fleet: RunningFleet, edges: string[] = []): Promise<ReleaseView> {
  await fleet.operator.pushPipeline(brightSpots);
  return releaseBrightSpots(fleet, 'bright-spots-1', edges);
}

/** Another release of it. @param mayCapture its policy lets values be captured */
export function releaseBrightSpots(fleet: RunningFleet, name: string, edges: string[], mayCapture = false): Promise<ReleaseView> {
  return fleet.operator.createRelease({
    name,
    pipeline: `${brightSpots.name}@${brightSpots.version}`,
    policies: {
      egress: { outputs: ['boxes'], edges, sinks: [] },
      ...{ capture: { enabled: mayCapture }, retention: { resultDays: 30 }, power: {} },
    },
  });
}
