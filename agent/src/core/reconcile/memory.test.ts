import {
  type Artefact,
  type Assignment,
  generatePrivateKey,
  type ModelVersion,
  type Pipeline,
  pipelineSchema,
  publicKeyOf,
  type Release,
  type ReportedState,
  releaseSchema,
  rootDigest,
  type SignedKind,
  sha256Hex,
  signDocument,
  signerOf,
  signRoot,
} from '@starling/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPuller } from '../blobs/index.ts';
import { openJournal } from '../journal/index.ts';
import { createTrust } from '../link/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { createMemoryBlobStore } from '../ports/memory/blob-store.ts';
import { createMemoryFileStore } from '../ports/memory/file-store.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';
import { openTunings } from '../sessions/index.ts';
import type { ReleaseDocuments } from './documents.ts';
import { memoryNeeds, requireMemory } from './installer.ts';
import { createReconciler } from './loop.ts';
import { openVerdicts } from './verdicts.ts';

const MEBIBYTE = 1024 ** 2;
const digest = 'ab'.repeat(32);
const blob = { digest, sizeBytes: 1000, manifest: 'cd'.repeat(32) };

/** As much of a release as the check looks at. */
const documentsOf = (needs: Record<string, number | undefined>): ReleaseDocuments =>
  ({
    models: Object.entries(needs).map(([name, memoryBytes]) => ({
      version: { name } as ModelVersion,
      artefact: (memoryBytes === undefined ? {} : { needs: { opset: 13, operators: [], memoryBytes } }) as Artefact,
      artefactDigest: `artefact of ${name}`,
    })),
  }) as ReleaseDocuments;

describe('the memory that a release needs', () => {
  test('is refused where it is not there, with both figures and the model that takes most', () => {
    const documents = documentsOf({ small: 10 * MEBIBYTE, large: 90 * MEBIBYTE });
    const check = (availableBytes: number) => () => requireMemory(memoryNeeds(documents, []), availableBytes);
    expect(check(132 * MEBIBYTE)).not.toThrow();
    expect(check(132 * MEBIBYTE - 1)).toThrow(
      expect.objectContaining({
        code: 'memory-low',
        field: 'large',
        retryable: true,
        message: expect.stringMatching(new RegExp(`^${100 * MEBIBYTE} bytes .* ${132 * MEBIBYTE - 1} are available$`)),
        hint: expect.stringContaining('choose a smaller artefact'),
      }),
    );
  });

  test('is that of what is not loaded yet', () => {
    const documents = documentsOf({ detect: 500 * MEBIBYTE, read: 10 * MEBIBYTE });
    expect(() => requireMemory(memoryNeeds(documents, ['artefact of detect']), 50 * MEBIBYTE)).not.toThrow();
    expect(() => requireMemory(memoryNeeds(documents, ['artefact of read']), 50 * MEBIBYTE)).toThrow();
  });

  test('holds nothing up where no artefact states it, or where models run elsewhere', () => {
    expect(() => requireMemory(memoryNeeds(documentsOf({ detect: undefined }), []), 0)).not.toThrow();
    expect(() => requireMemory(memoryNeeds(documentsOf({ detect: 500 * MEBIBYTE }), []), null)).not.toThrow();
  });
});

const quiet: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, newest: () => [] };
const clock: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => undefined };
const identity = { runtimeVersion: 'test', hardware: 'test' };
/** Nothing gets that far before the blobs are here. */
const host = new Proxy({} as RuntimeHost, { get: (_target, name) => () => expect.unreachable(`the host was asked to ${String(name)}`) });

describe('the reconcile loop', () => {
  const store = createMemoryBlobStore();
  let signedRoot: string;
  let assignment: Assignment;
  /** A build of the same model that needs less. */
  let smaller: string;

  beforeAll(async () => {
    const [rootKey, publisher, fleet] = await Promise.all([generatePrivateKey(), generatePrivateKey(), generatePrivateKey()]);
    signedRoot = await signRoot([rootKey], {
      ...{ kind: 'root', schemaVersion: 1, critical: [], fleetId: 'fleet', version: 1, issuedAtMs: 0, expiresAtMs: 1e15, demo: false },
      keys: { root: [publicKeyOf(rootKey)], publisher: [publicKeyOf(publisher)], fleet: [publicKeyOf(fleet)] },
    });
    const put = async (kind: SignedKind, document: object): Promise<string> => {
      const key = kind === 'artefact' ? fleet : publisher;
      const bytes = new TextEncoder().encode(await signDocument(await signerOf(key), kind, document));
      const name = await sha256Hex(bytes);
      await store.putDocument(name, bytes);
      return name;
    };
    const common = { schemaVersion: 1 as const, critical: [], fleetId: 'fleet' };
    const named = { name: 'map', version: '1.0.0' };
    const port = { elementType: 'float32' as const, shape: [1] };
    const model = await put('model-version', {
      ...{ kind: 'model-version', ...common, ...named, source: blob, opset: 13, assets: [] },
      ...{ inputs: [{ name: 'x', ...port }], outputs: [{ name: 'y', ...port }], card: { title: 'Map', licence: 'none' } },
    });
    const build = (precision: string, memoryBytes: number): Promise<string> =>
      put('artefact', {
        ...{ kind: 'artefact', ...common, model: 'map', modelVersion: '1.0.0', sourceDigest: digest, precision },
        ...{ optimisation: 'none', executionProviders: ['cpu'], blob, needs: { opset: 13, operators: [], memoryBytes } },
      });
    const artefact = await build('fp32', 300 * MEBIBYTE);
    smaller = await build('int8', 100 * MEBIBYTE);
    const pipeline: Pipeline = pipelineSchema.parse({
      ...{ kind: 'pipeline', ...common, name: 'run', version: '1.0.0', inputs: { x: 'tensor' }, outputs: { y: 'tensor' } },
      ...{ nodes: { map: { model: 'map' } }, edges: [{ from: 'input.x', to: 'map.x' }] },
    });
    const release: Release = releaseSchema.parse({
      ...{ kind: 'release', ...common, name: 'run-1', createdAtMs: 0, models: [{ ...named, digest: model }] },
      pipeline: { name: 'run', version: '1.0.0', digest: await put('pipeline', pipeline) },
    });
    assignment = { release: await put('release', release), artefacts: { map: artefact } };
  });

  interface Reached {
    reported: ReportedState;
    /** How often it asked for bytes. */
    asked: number;
    /** Codes of its events. */
    events: string[];
  }

  /** Lets a device with this memory reach for the release, until it fails or asks for bytes. */
  async function reach(availableBytes: number, wanted: Assignment = assignment): Promise<Reached> {
    const files = createMemoryFileStore();
    const journal = await openJournal(files);
    const trust = await createTrust(journal, clock, await rootDigest(signedRoot), [signedRoot]);
    let asked = 0;
    const events: string[] = [];
    const puller = createPuller({
      ...{ store, clock, log: quiet, hash: sha256Hex, inflate: async (bytes) => bytes, refused: () => undefined },
      publish: async () => {
        asked += 1;
        return true;
      },
    });
    puller.online();
    let done = (_state: ReportedState): void => undefined;
    const ended = new Promise<ReportedState>((resolve) => {
      done = resolve;
    });
    const reconciler = createReconciler({
      ...{
        device: 'a'.repeat(26),
        journal,
        store,
        puller,
        host,
        trust,
        clock,
        log: quiet,
        underNewestRoot: (verify) => verify(trust.root()),
      },
      verdicts: await openVerdicts(files, identity, clock, quiet),
      tunings: await openTunings(files, identity, quiet),
      modelMemoryBytes: async () => availableBytes,
      onReport(state) {
        if (state.phase === 'failed' || asked > 0) done(state);
      },
      onEvent: (_level, code) => void events.push(code),
    });
    // A report comes with each step; the first want is told by the next look at the state.
    const look = setInterval(() => asked > 0 && done(reconciler.reported()), 5);
    reconciler.setTarget({ assignment: wanted, profile: undefined, telemetryWindowMs: 1000, epoch: 1, generation: 1 });
    const reported = await ended;
    clearInterval(look);
    await reconciler.close();
    return { reported, asked, events };
  }

  test('asks for no byte of a release that does not fit into the memory, and says why', async () => {
    const { reported, asked } = await reach(200 * MEBIBYTE);
    expect(asked).toBe(0);
    expect(reported.phase).toBe('failed');
    expect(reported.error).toMatchObject({ code: 'memory-low', field: 'map' });
    for (const figure of [300 * MEBIBYTE, 200 * MEBIBYTE]) expect(reported.error?.message).toContain(String(figure));
    expect(reported.steps.map(({ step, state }) => `${step} ${state}`).slice(0, 5)).toEqual([
      ...['fetch-documents done', 'check-agent done', 'check-memory failed', 'check-space waiting', 'pull-blobs waiting'],
    ]);
  });

  test('takes the smaller artefact that comes with it, and says what gave way', async () => {
    const fallbacks = { map: [smaller] };
    const { reported, asked, events } = await reach(200 * MEBIBYTE, { ...assignment, fallbacks });
    expect(asked).toBeGreaterThan(0);
    expect(reported).toMatchObject({ phase: 'pulling', error: null });
    const reason = expect.stringContaining(`${300 * MEBIBYTE} bytes of memory`);
    expect(reported.refused).toEqual([
      { model: 'map', artefact: assignment.artefacts.map, provider: '', code: 'memory-low', reason, instead: smaller },
    ]);
    expect(events).toEqual(['artefact-refused']);
  });

  test('stays where it is, to try again, where not even that fits', async () => {
    const { reported, asked } = await reach(50 * MEBIBYTE, { ...assignment, fallbacks: { map: [smaller] } });
    expect(asked).toBe(0);
    // Nothing runs in place of anything.
    expect(reported).toMatchObject({ phase: 'failed', error: { code: 'memory-low', field: 'map' }, refused: [] });
    expect(reported.error?.message).toContain(`${100 * MEBIBYTE} bytes of memory`);
  });

  test('asks for the blobs of one that fits', async () => {
    const { reported, asked } = await reach(400 * MEBIBYTE);
    expect(asked).toBeGreaterThan(0);
    expect(reported.phase).toBe('pulling');
  });
});
