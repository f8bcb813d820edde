import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEgressGate } from './gate.ts';

const name = fc.constantFrom('readings', 'image', 'crops', '__proto__', 'constructor', 'toString');

describe('the egress gate', () => {
  test('lets out what the policy names, unchanged, and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.uniqueArray(name), (allowed, present) => {
        const values = Object.fromEntries(present.map((each) => [each, { of: each }]));
        const left = createEgressGate({ outputs: allowed, edges: [] }).outputs(values);
        expect(Object.keys(left).sort()).toEqual(present.filter((each) => allowed.includes(each)).sort());
        for (const [key, value] of Object.entries(left)) expect(value).toBe(values[key]);
      }),
    );
  });

  test('is closed where the policy says nothing', () => {
    const gate = createEgressGate({ outputs: [], edges: [] });
    expect(gate.outputs({ image: new Uint8Array(3), readings: [] })).toEqual({});
    expect(gate.allowsEdge('decode.image')).toBe(false);
  });

  test('opens an edge by its whole name alone, and no output by the name of an edge', () => {
    const gate = createEgressGate({ outputs: [], edges: ['decode.image'] });
    expect(['decode.image', 'decode', 'image', 'decode.imag', 'decode.image2'].filter((port) => gate.allowsEdge(port))).toEqual([
      'decode.image',
    ]);
    expect(gate.outputs({ 'decode.image': 1 })).toEqual({});
  });
});
