import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { jsonDecode, jsonEncode, parseWith } from '../codec/cbor.ts';
import { deviceLoginClaimSchema, enrolmentClaimSchema } from '../http/device-access.ts';
import { commandResultSchema, commandSchema } from '../wire/command.ts';
import { helloSchema, presenceSchema } from '../wire/hello.ts';
import { acknowledgementSchema, telemetryBatchSchema, telemetryKinds } from '../wire/telemetry.ts';
import { artefactSchema } from './artefact.ts';
import { desiredStateSchema } from './desired-state.ts';
import { goldenError, goldenInput, goldenSetSchema } from './golden-set.ts';
import { modelVersionSchema } from './model-version.ts';
import { pipelineSchema } from './pipeline.ts';
import { releaseSchema } from './release.ts';
import { reportedStateSchema } from './reported-state.ts';
import { trustRootSchema } from './trust-root.ts';

const digest = 'ab'.repeat(32);
const id = 'a'.repeat(26);
const blob = { digest, sizeBytes: 10, manifest: digest };
const port = { name: 'x', elementType: 'float32', shape: [1, 'n'] };
const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'k'.repeat(43) };
const window = { startMs: 1, lengthMs: 10, release: digest };
const histogram = { edges: [1], counts: [1, 0], count: 1, sum: 0.5, minimum: 0.5, maximum: 0.5 };
const record = { sequence: 1, bootId: 'b', monotonicMs: 0, wallMs: 0, clock: 'trusted', payload: {} };
const capabilities = {
  ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'x64', agentVersion: '1.0.0', cpu: { cores: 2 } },
  ...{ memory: { totalBytes: 1, availableBytes: 1 }, disk: { totalBytes: 1, freeBytes: 1 } },
};

/** The least of each document that is accepted, without what has a default. */
const documents: Record<string, [z.ZodType, Record<string, unknown>]> = {
  root: [
    trustRootSchema,
    {
      kind: 'root',
      schemaVersion: 1,
      fleetId: 'f',
      version: 1,
      issuedAtMs: 0,
      expiresAtMs: 1,
      keys: { root: [key], publisher: [key], fleet: [key] },
    },
  ],
  'desired state': [
    desiredStateSchema,
    {
      ...{ kind: 'desired-state', schemaVersion: 1, fleetId: 'f', device: id, epoch: 0, generation: 0, issuedAtMs: 0, expiresAtMs: 1 },
      ...{ root: { version: 1, digest }, assignment: { release: digest, artefacts: { model: digest } } },
    },
  ],
  release: [
    releaseSchema,
    {
      kind: 'release',
      schemaVersion: 1,
      fleetId: 'f',
      name: 'r',
      pipeline: { name: 'p', version: '1.0.0', digest },
      models: [],
      createdAtMs: 0,
    },
  ],
  pipeline: [
    pipelineSchema,
    {
      ...{ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0' },
      ...{ nodes: { resize: { op: 'image.resize' } }, edges: [{ from: 'input.image', to: 'resize.image' }] },
    },
  ],
  'model version': [
    modelVersionSchema,
    {
      ...{ kind: 'model-version', schemaVersion: 1, fleetId: 'f', name: 'm', version: '1.0.0', source: blob, opset: 17 },
      ...{ inputs: [port], outputs: [port], card: { title: 'M', licence: 'MIT' } },
    },
  ],
  artefact: [
    artefactSchema,
    {
      ...{ kind: 'artefact', schemaVersion: 1, fleetId: 'f', model: 'm', modelVersion: '1.0.0', sourceDigest: digest, precision: 'int8' },
      ...{ optimisation: 'none', executionProviders: ['cpu'], blob },
    },
  ],
  'golden set': [
    goldenSetSchema,
    {
      ...{ schemaVersion: 1, inputs: { x: { seed: 1, elementType: 'float32', shape: [1] } }, tolerance: 0.01 },
      outputs: { y: { shape: [1], stride: 1, samples: [0.5] } },
    },
  ],
  'reported state': [reportedStateSchema, { schemaVersion: 1, epoch: 0, generation: 0, phase: 'idle', running: null, atMs: 0 }],
  command: [
    commandSchema,
    { kind: 'command', schemaVersion: 1, id, device: id, name: 'ping', issuer: 'anna', issuedAtMs: 0, notAfterMs: 1 },
  ],
  'command result': [commandResultSchema, { id, status: 'done', atMs: 0 }],
  hello: [helloSchema, { protocolVersion: 1, agentVersion: '1.0.0', streamId: id, bootId: 'b', epoch: 0, generation: 0, wallMs: 0 }],
  presence: [presenceSchema, { state: 'online', bootId: 'b' }],
  acknowledgement: [acknowledgementSchema, { streamId: id, sequence: 0 }],
  'telemetry batch': [telemetryBatchSchema, { streamId: id, records: [record] }],
  'inference record': [telemetryKinds.inference, { ...window, pipeline: 'p', items: 1, latencyMs: histogram }],
  'drift record': [
    telemetryKinds.drift,
    {
      ...{ ...window, pipeline: 'p', monitor: 'm', edge: 'a.b', measure: 'brightness', histogram },
      ...{ reference: null, psi: null, ks: null, ksPValue: null, drifted: false },
    },
  ],
  'energy record': [
    telemetryKinds.energy,
    { ...window, joules: 1, agentJoules: 1, inferences: 1, joulesPerInference: 1, method: 'measured', source: '/sys' },
  ],
  'health record': [
    telemetryKinds.health,
    {
      ...{ ...window, cpuUtilisation: 0.5, agentCpuSeconds: 1, agentMemoryBytes: 1, memoryAvailableBytes: 1, diskFreeBytes: 1 },
      ...{ temperatureCelsius: null, throttled: null },
    },
  ],
  'event record': [telemetryKinds.events, { level: 'info', code: 'started', message: '' }],
  'enrolment claim': [
    enrolmentClaimSchema,
    { tokenId: 't', publicKey: 'A'.repeat(43), machineIdDigest: digest, agentVersion: '1.0.0', capabilities },
  ],
  'login claim': [deviceLoginClaimSchema, { device: id, nonce: 'n', audience: 'f' }],
};

/** Dotted path -> value at it, replaced in a copy. */
function withValue(document: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const copy = structuredClone(document);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at: Record<string, unknown> = copy;
  for (const part of keys) at = at[part] as Record<string, unknown>;
  at[last] = value;
  return copy;
}

describe.each(Object.entries(documents))('a %s', (_name, [schema, least]) => {
  test('needs no more than this, and comes back the same after a journey as JSON', () => {
    const parsed = parseWith(schema, least);
    expect(parsed).toMatchObject(least);
    expect(jsonDecode(jsonEncode(parsed), schema)).toEqual(parsed);
  });

  test('needs each of its fields, and names the one that is missing', () => {
    for (const field of Object.keys(least)) {
      const { [field]: _left, ...rest } = least;
      expect(() => parseWith(schema, rest), field).toThrowError(expect.objectContaining({ code: 'invalid-message', field }));
    }
  });

  test('lets pass what a newer version adds', () => {
    expect(parseWith(schema, { ...least, fromTheFuture: { deep: [1] } })).toEqual(parseWith(schema, least));
  });

  test('names a field of the wrong type', () => {
    for (const field of Object.keys(least)) {
      const error = (): unknown => parseWith(schema, withValue(least, field, Symbol.iterator in Object(least[field]) ? 5 : ['wrong']));
      expect(error, field).toThrowError(expect.objectContaining({ code: 'invalid-message', field: expect.stringMatching(`^${field}`) }));
    }
  });

  test('is refused with a code, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => parseWith(schema, value)).toThrowError(expect.objectContaining({ code: 'invalid-message' }));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a limit', () => {
  test.each<[string, string, unknown]>([
    ['root', 'version', 0],
    ['root', 'fleetId', 'A Fleet'],
    ['root', 'keys.root', []],
    ['root', 'keys.fleet', Array(9).fill(key)],
    ['root', 'keys.publisher.0.x', 'A'.repeat(42)],
    ['root', 'schemaVersion', 2],
    ['desired state', 'device', `${id}a`],
    ['desired state', 'generation', 0.5],
    ['desired state', 'epoch', Number.MAX_SAFE_INTEGER + 1],
    ['desired state', 'expiresAtMs', -1],
    ['desired state', 'settings', { telemetryWindowMs: 1 }],
    ['desired state', 'assignment.release', digest.toUpperCase()],
    ['desired state', 'assignment.artefacts', { '../x': digest }],
    ['release', 'models', Array(65).fill({ name: 'm', version: '1.0.0', digest })],
    ['release', 'pipeline.version', 'latest'],
    ['release', 'policies', { egress: { output: ['typo'] } }],
    ['pipeline', 'edges', []],
    ['pipeline', 'edges', Array(513).fill({ from: 'a.b', to: 'c.d' })],
    ['pipeline', 'edges.0.from', 'nodot'],
    ['pipeline', 'nodes.resize.each', 'yes'],
    ['pipeline', 'nodes.resize.model', 'both'],
    ['pipeline', 'queue', { length: 257 }],
    ['model version', 'inputs.0.shape', Array(9).fill(1)],
    ['model version', 'inputs.0.shape.0', 0],
    ['model version', 'inputs.0.elementType', 'float33'],
    ['model version', 'card.title', ''],
    ['model version', 'source.sizeBytes', 0],
    ['artefact', 'precision', 'int2'],
    ['artefact', 'executionProviders', []],
    ['artefact', 'blob.digest', 'ab'],
    ['reported state', 'steps', Array(65).fill({ step: 's', subject: 's', state: 'done' })],
    ['reported state', 'phase', 'happy'],
    ['command', 'name', 'format-disk'],
    ['hello', 'features', Array(65).fill('f')],
    ['hello', 'bootId', 'b'.repeat(65)],
    ['telemetry batch', 'records', Array(2001).fill(record)],
    ['telemetry batch', 'records.0.sequence', 0],
    ['telemetry batch', 'dropped', [{ from: 5, to: 4 }]],
    ['telemetry batch', 'dropped', Array(257).fill({ from: 1, to: 1 })],
    ['inference record', 'latencyMs.count', 7],
    ['health record', 'cpuUtilisation', 1.01],
    ['event record', 'message', 'm'.repeat(2001)],
    ['energy record', 'joules', -1],
  ])('of a %s at %s is kept', (name, path, value) => {
    const [schema, least] = documents[name] ?? expect.unreachable();
    const first = path.split('.')[0] ?? '';
    expect(() => parseWith(schema, withValue(least, path, value))).toThrowError(
      expect.objectContaining({ code: 'invalid-message', field: expect.stringMatching(`^${first}`) }),
    );
  });
});

describe('golden inputs', () => {
  test('are the same everywhere: mulberry32, known by its first values', () => {
    // Seed 1 of the reference implementation gives 0.6270739405881613, 0.002735721180215478 in [0, 1).
    const [first, second] = goldenInput(1, 2);
    expect(first).toBeCloseTo(0.6270739405881613 * 2 - 1, 6);
    expect(second).toBeCloseTo(0.002735721180215478 * 2 - 1, 6);
  });

  test('lie in [-1, 1) and depend on the seed alone', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(200), (seed, length) => {
        const values = goldenInput(seed, length);
        expect(values.every((value) => value >= -1 && value <= 1)).toBe(true);
        expect(goldenInput(seed, length + 5).subarray(0, length)).toEqual(values);
      }),
    );
  });

  test.each<[number[], number[], number]>([
    [[1, 2], [1, 2], 0],
    [[1, -4], [1, -3], 0.25],
    [[0, 0], [0, 0.5], 0.5],
    [[1], [Number.NaN], Number.POSITIVE_INFINITY],
    [[1], [Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY],
    [[1, 2], [1], Number.POSITIVE_INFINITY],
  ])('%j against %j differ by %d', (samples, actual, error) => {
    expect(goldenError({ shape: [samples.length], stride: 1, samples }, actual)).toBe(error);
  });

  test('are compared at their stride', () => {
    expect(goldenError({ shape: [4], stride: 2, samples: [1, 3] }, [1, 99, 3, 99])).toBe(0);
  });
});
