import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEgressGate, requireCaptureAllowed } from './gate.ts';

const name = fc.constantFrom('readings', 'image', 'crops', '__proto__', 'constructor', 'toString');

describe('the egress gate', () => {
  test('lets out what the policy names, unchanged, and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.uniqueArray(name), (allowed, present) => {
        const values = Object.fromEntries(present.map((each) => [each, { of: each }]));
        const left = createEgressGate({ outputs: allowed, edges: [], sinks: [] }).outputs(values);
        expect(Object.keys(left).sort()).toEqual(present.filter((each) => allowed.includes(each)).sort());
        for (const [key, value] of Object.entries(left)) expect(value).toBe(values[key]);
      }),
    );
  });

  test('is closed where the policy says nothing', () => {
    const gate = createEgressGate({ outputs: [], edges: [], sinks: [] });
    expect(gate.outputs({ image: new Uint8Array(3), readings: [] })).toEqual({});
    expect(gate.allowsEdge('decode.image')).toBe(false);
    expect(gate.allowsSink('hook')).toBe(false);
  });

  test('opens a sink by the name of its node alone', () => {
    const gate = createEgressGate({ outputs: ['door'], edges: ['door.value'], sinks: ['hook'] });
    expect(['hook', 'hook.value', 'door', 'constructor', ''].filter((node) => gate.allowsSink(node))).toEqual(['hook']);
  });

  test('opens an edge by its whole name alone, and no output by the name of an edge', () => {
    const gate = createEgressGate({ outputs: [], edges: ['decode.image'], sinks: [] });
    expect(['decode.image', 'decode', 'image', 'decode.imag', 'decode.image2'].filter((port) => gate.allowsEdge(port))).toEqual([
      'decode.image',
    ]);
    expect(gate.outputs({ 'decode.image': 1 })).toEqual({});
  });

  test('lets captures be made where the policy says so alone', () => {
    expect(() => requireCaptureAllowed({ capture: { enabled: true } }, ['a.x'])).not.toThrow();
    expect(() => requireCaptureAllowed({ capture: { enabled: false } }, ['a.x', 'b.y'])).toThrow(
      expect.objectContaining({
        code: 'capture-refused',
        message: expect.stringMatching(/^a.x, b.y cannot/),
        hint: expect.stringContaining('policies.capture.enabled'),
      }),
    );
  });
});
