import { describe, expect, test } from 'vitest';
import { createEgressGate } from './gate.ts';
import { createVisiblePorts } from './visible-ports.ts';

const pipeline = {
  edges: [
    { from: 'input.image', to: 'decode.bytes' },
    { from: 'decode.image', to: 'detect.image' },
    { from: 'detect.boxes', to: 'output.boxes' },
    { from: 'left.text', to: 'output.text' },
    { from: 'right.text', to: 'output.text' },
  ],
};
const ports = ['input.image', 'decode.image', 'detect.boxes', 'left.text', 'right.text'];
const visible = (policy: { outputs?: string[]; edges?: string[] }) =>
  createVisiblePorts(pipeline, ports, createEgressGate({ outputs: [], edges: [], sinks: [], ...policy }));

describe('the ports that may be looked at', () => {
  test('are none where the policy says nothing', () => {
    expect(visible({}).allowed).toEqual([]);
    expect(() => visible({}).require(['detect.boxes'])).toThrow(expect.objectContaining({ code: 'egress-refused' }));
  });

  test('are those that the policy names, by their whole names', () => {
    const { allowed, require } = visible({ edges: ['decode.image', 'decode.imag'] });
    expect(allowed).toEqual(['decode.image']);
    expect(require(['decode.image'])).toEqual(['decode.image']);
    expect(() => require(['decode.image', 'input.image'])).toThrow(
      expect.objectContaining({ code: 'egress-refused', field: 'arguments.edges.1', hint: expect.stringContaining('"input.image"') }),
    );
  });

  test('are what gives an output that leaves, under both names', () => {
    const { allowed, require } = visible({ outputs: ['boxes'] });
    expect(allowed).toEqual(['detect.boxes']);
    expect(require(['output.boxes', 'detect.boxes'])).toEqual(['detect.boxes', 'detect.boxes']);
  });

  test('are not branches that only may give an output: what did not leave must not', () => {
    const { allowed, require } = visible({ outputs: ['text'] });
    expect(allowed).toEqual([]);
    expect(() => require(['left.text'])).toThrow(expect.objectContaining({ code: 'egress-refused' }));
    expect(() => require(['output.text'])).toThrow(expect.objectContaining({ code: 'unknown-edge' }));
  });

  test('do not include what the pipeline has not', () => {
    expect(() => visible({ edges: ['crop.image'] }).require(['crop.image'])).toThrow(expect.objectContaining({ code: 'unknown-edge' }));
  });
});
