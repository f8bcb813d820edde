import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capabilitiesSchema, matchesSelector, parseSelector, resolveGroups, selectableOf } from '@starling/shared';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { desiredStates, devices, releases } from '../db/schema/index.ts';
import { toDeviceView } from './devices.ts';
import { selectorWhere } from './select-store.ts';

/** Few of each, so that random selectors meet random devices; among them what means something to a database. */
const texts = ['', 'north', 'south', 'Nord', '%', '_o%', "o'", '"', '\\', 'gate-1', '1.2.0', '30', 'ü', '\u{1F426}'] as const;
const labels = ['site', 'area', 'rack/row', 'a.b-c'] as const;
const versions = ['1.2.0', '1.10.0', '1.10.0-rc.1', 'v2', 'nightly', ''] as const;
const literalVersions = ['1.2', '1.9.9', '1.10.0-rc.1', '2.0.0'] as const;
const providers = ['cpu', 'cuda', 'xnnpack'] as const;
const releaseNames = ['north', 'read-signs-2', '%'] as const;
const groups = new Map(
  Object.entries({ northern: 'site == "north"', old: 'agentVersion < "1.10" || group("northern")' }).map(([name, text]) => [
    name,
    parseSelector(text).condition,
  ]),
);

const arbitraryDevice = fc.record({
  name: fc.constantFrom(...texts),
  profile: fc.constantFrom('raspberry-pi-5', 'linux-x64'),
  status: fc.constantFrom('pending' as const, 'active' as const, 'revoked' as const),
  online: fc.boolean(),
  agentVersion: fc.constantFrom(...versions),
  labels: fc.dictionary(fc.constantFrom(...labels), fc.constantFrom(...texts), { noNullPrototype: true }),
  architecture: fc.constantFrom('x64', 'arm64'),
  cores: fc.constantFrom(1, 4, 64),
  totalBytes: fc.constantFrom(0, 2 ** 20 - 1, 2 ** 30, 2 ** 33 - 5),
  providers: fc.array(fc.record({ name: fc.constantFrom(...providers), ran: fc.boolean() }), { maxLength: 3 }),
  /** `null`: told to run nothing; `undefined`: never told anything. */
  release: fc.constantFrom(...releaseNames, null, undefined),
});

const quote = (text: string): string => JSON.stringify(text);
const textOperand = fc.oneof(
  fc.constantFrom('name', 'profile', 'arch', 'site', 'area', 'id', 'labels["rack/row"]', 'labels["a.b-c"]'),
  fc.constantFrom(...texts).map(quote),
);
const numberOperand = fc.constantFrom('cores', 'memoryMebibytes', '4', '64', '1024', '0.5', '-1');
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const { selector: arbitrarySelector } = fc.letrec<{ selector: string }>((tie) => ({
  selector: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'online',
      'true',
      'false',
      'group("northern")',
      'group("old")',
      'has(labels.site)',
      '"rack/row" in labels',
      'name in labels',
    ),
    fc.tuple(textOperand, fc.constantFrom('==', '!='), textOperand).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom(...texts).map(quote), fc.constantFrom('==', '!='), fc.constant('release')).map((parts) => parts.join(' ')),
    fc
      .tuple(fc.constantFrom('startsWith', 'endsWith', 'contains'), fc.constantFrom(...texts).map(quote), fc.boolean())
      .map(([test, text, turned]) => (turned ? `${text}.${test}(release)` : `release.${test}(${text})`)),
    fc.array(fc.constantFrom(...texts).map(quote), { maxLength: 3 }).map((list) => `release in [${list}]`),
    fc.tuple(numberOperand, comparison, numberOperand).map((parts) => parts.join(' ')),
    fc.tuple(fc.constant('agentVersion'), comparison, fc.constantFrom(...literalVersions).map(quote)).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom(...literalVersions).map(quote), comparison, fc.constant('agentVersion')).map((parts) => parts.join(' ')),
    fc.tuple(textOperand, fc.array(fc.constantFrom(...texts).map(quote), { maxLength: 3 })).map(([a, list]) => `${a} in [${list}]`),
    fc
      .tuple(fc.constantFrom('cores', '4'), fc.array(fc.constantFrom('1', '4', '4.0'), { maxLength: 2 }))
      .map(([a, list]) => `${a} in [${list}]`),
    fc.array(fc.constantFrom(...literalVersions).map(quote), { maxLength: 2 }).map((list) => `agentVersion in [${list}]`),
    fc
      .tuple(textOperand, fc.constantFrom('startsWith', 'endsWith', 'contains'), textOperand)
      .map(([text, test, part]) => `${text}.${test}(${part})`),
    fc.constantFrom('status == "active"', 'status in ["pending", "revoked"]', 'agentVersion.contains(".1")'),
    fc.constantFrom(...providers).map((provider) => `${quote(provider)} in providers`),
    fc.tuple(tie('selector'), fc.constantFrom('&&', '||', '==', '!='), tie('selector')).map(([a, sign, b]) => `(${a}) ${sign} (${b})`),
    tie('selector').map((inner) => `!(${inner})`),
    fc.tuple(tie('selector'), tie('selector'), tie('selector')).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  ),
}));

const digestOf = (release: string): string => `${releaseNames.indexOf(release as (typeof releaseNames)[number])}`.repeat(64);
let directory: string;
let database: OpenDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-select-'));
  database = await openDatabase({ directory });
  const rows = releaseNames.map((name) => ({ digest: digestOf(name), name, signed: '', createdAtMs: 0, createdBy: 'test' }));
  await database.db.insert(releases).values(rows.map((row) => ({ ...row, document: { name: row.name } as never })));
}, 60_000);

afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

type ArbitraryDevice = typeof arbitraryDevice extends fc.Arbitrary<infer Device> ? Device : never;

/** @returns the devices as selectors see them, from what the API shows */
async function putIn(all: readonly ArbitraryDevice[]) {
  const { db } = database;
  await db.delete(desiredStates);
  await db.delete(devices);
  const rest = { epoch: 1, generation: 1, previousRelease: null, assignedAtMs: 0, assignedBy: 'test' };
  const desired = all.flatMap(({ release }, index) =>
    release === undefined ? [] : { ...rest, device: `device-${index}`, release: release === null ? null : digestOf(release) },
  );
  const rows = await db
    .insert(devices)
    .values(
      all.map(({ release: _release, architecture, cores, totalBytes, providers: tried, ...device }, index) => {
        const id = `device-${index}`;
        const capabilities = capabilitiesSchema.parse({
          ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture, agentVersion: '1.0.0', cpu: { cores } },
          ...{ executionProviders: tried, memory: { totalBytes, availableBytes: 0 }, disk: { totalBytes: 0, freeBytes: 0 } },
        });
        return { id, publicKey: id, machineIdDigest: '', capabilities, profileReason: {}, enrolledAtMs: 0, ...device };
      }),
    )
    .returning();
  if (desired.length > 0) await db.insert(desiredStates).values(desired);
  return rows.map((row, index) => {
    const { release } = all[index] as ArbitraryDevice;
    return selectableOf(
      toDeviceView(
        row,
        release === undefined
          ? null
          : { ...rest, release: null, releaseName: release, choices: {}, places: null, helps: [], placement: [] },
      ),
    );
  });
}

const RUNS = 60;
const SELECTORS_PER_FLEET = 12;

test('the database selects what the evaluator selects', async () => {
  const fleets = fc.array(arbitraryDevice, { minLength: 5, maxLength: 25 });
  const selectors = fc.array(arbitrarySelector, { minLength: SELECTORS_PER_FLEET, maxLength: SELECTORS_PER_FLEET });
  let some = 0;
  await fc.assert(
    fc.asyncProperty(fleets, selectors, async (fleet, selected) => {
      const views = await putIn(fleet);
      for (const text of selected) {
        const condition = resolveGroups(parseSelector(text).condition, groups);
        const where = await selectorWhere(database.db, condition);
        const found = await database.db.select({ id: devices.id }).from(devices).where(where);
        const expected = views.filter((view) => matchesSelector(condition, view)).map(({ id }) => id);
        if (expected.length > 0 && expected.length < views.length) some += 1;
        expect(found.map(({ id }) => id).sort(), text).toEqual(expected.sort());
      }
    }),
    { numRuns: RUNS },
  );
  // Most selectors have to tell devices apart, or nothing was tried.
  expect(some).toBeGreaterThan((RUNS * SELECTORS_PER_FLEET) / 4);
}, 120_000);
