import { describe, expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../../documents/pipeline.ts';
import { checkPipeline, type GraphContext } from '../check/index.ts';
import { operatorRegistry } from './index.ts';

const float32 = (name: string, shape: (number | string)[]) => ({ name, elementType: 'float32' as const, shape });
const context: GraphContext = {
  operators: operatorRegistry,
  models: new Map([
    ['faces', { inputs: [float32('input', [1, 3, 240, 320])], outputs: [float32('scores', [1, 4420, 2]), float32('boxes', [1, 4420, 4])] }],
    [
      'things',
      {
        inputs: [float32('images', [1, 3, 640, 640])],
        outputs: [float32('output0', [1, 116, 8400]), float32('output1', [1, 32, 160, 160])],
      },
    ],
    [
      'final',
      {
        inputs: [{ name: 'image', elementType: 'uint8', shape: [1, 'h', 'w', 3] }],
        outputs: [float32('boxes', [1, 100, 4]), float32('scores', [1, 100]), float32('classes', [1, 100]), float32('count', [1])],
      },
    ],
  ]),
};

type Graph = Pick<PipelineInput, 'nodes' | 'edges' | 'outputs'>;
const arrows = (text: string) =>
  text
    .trim()
    .split(/\n\s*/)
    .map((line) => ({ from: line.split(' -> ')[0] ?? '', to: line.split(' -> ')[1] ?? '' }));

function problemsOf(graph: Graph) {
  const pipeline = pipelineSchema.parse({
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0', inputs: { frame: 'image' } },
    ...graph,
  });
  return checkPipeline(pipeline, context).map(({ code, field }) => [code, field]);
}

const fit = { width: 320, height: 240 };
const hideFaces = (): Graph => ({
  outputs: { picture: 'image' },
  nodes: {
    fit: { op: 'image.fit', params: fit },
    tensor: { op: 'image.to-tensor' },
    faces: { model: 'faces' },
    decode: { op: 'ssd.decode', params: { fit } },
    hide: { op: 'image.blur-regions' },
  },
  edges: arrows(`
    input.frame -> fit.image
    fit.image -> tensor.image
    tensor.tensor -> faces.input
    faces.scores -> decode.scores
    faces.boxes -> decode.boxes
    input.frame -> decode.source
    input.frame -> hide.image
    decode.detections -> hide.regions
    hide.image -> output.picture`),
});

describe('ports that follow from parameters', () => {
  test('fit a detector whose faces are hidden', () => {
    expect(problemsOf(hideFaces())).toEqual([]);
  });

  test('are those of boxes where regions are boxes', () => {
    const graph = hideFaces();
    graph.nodes['hide'] = { op: 'image.blur-regions', params: { regions: 'boxes' } };
    expect(problemsOf(graph)).toEqual([['type-mismatch', 'edges.7']]);
  });

  test('leave no picture unhidden because an edge was forgotten', () => {
    const graph = hideFaces();
    graph.edges = graph.edges.filter(({ to }) => to !== 'hide.regions');
    expect(problemsOf(graph)).toContainEqual(['missing-input', 'nodes.hide']);
  });

  test('tell the layout of a tensor', () => {
    const graph = hideFaces();
    graph.nodes['tensor'] = { op: 'image.to-tensor', params: { layout: 'nhwc' } };
    expect(problemsOf(graph)).toContainEqual(['type-mismatch', 'edges.2']);
  });

  test('ask for prototypes where there are masks, and have them only there', () => {
    const withMasks = (task: string): Graph => ({
      outputs: { found: 'detections' },
      nodes: {
        fit: { op: 'image.fit', params: { width: 640, height: 640, mode: 'letterbox' } },
        tensor: { op: 'image.to-tensor' },
        things: { model: 'things' },
        decode: { op: 'yolo.decode', params: { task, fit: { width: 640, height: 640, mode: 'letterbox' } } },
      },
      edges: arrows(`
        input.frame -> fit.image
        fit.image -> tensor.image
        tensor.tensor -> things.images
        things.output0 -> decode.output
        things.output1 -> decode.prototypes
        input.frame -> decode.source
        decode.detections -> output.found`),
    });
    expect(problemsOf(withMasks('segment'))).toEqual([]);
    expect(problemsOf(withMasks('detect'))).toContainEqual(['unknown-port', 'edges.4.to']);
    const forgotten = withMasks('segment');
    forgotten.edges.splice(4, 1);
    expect(problemsOf(forgotten)).toContainEqual(['missing-input', 'nodes.decode']);
  });

  test('fit the end of a TensorFlow graph, which takes bytes', () => {
    expect(
      problemsOf({
        outputs: { found: 'detections' },
        nodes: {
          tensor: { op: 'image.to-tensor', params: { layout: 'nhwc', elementType: 'uint8' } },
          final: { model: 'final' },
          decode: { op: 'ssd.decode', params: { format: 'final', fit: { width: 320, height: 320 } } },
        },
        edges: arrows(`
          input.frame -> tensor.image
          tensor.tensor -> final.image
          final.boxes -> decode.boxes
          final.scores -> decode.scores
          final.classes -> decode.classes
          input.frame -> decode.source
          decode.detections -> output.found`),
      }),
    ).toEqual([]);
  });
});

test('parameters that contradict each other are named', () => {
  const graph = hideFaces();
  graph.nodes['decode'] = { op: 'ssd.decode', params: { fit, format: 'offsets' } };
  expect(problemsOf(graph)).toContainEqual(['invalid-params', 'nodes.decode.params.priors']);
  graph.nodes['decode'] = { op: 'yolo.decode', params: { fit, task: 'turned' } };
  expect(problemsOf(graph)).toContainEqual(['invalid-params', 'nodes.decode.params.fit.mode']);
});
