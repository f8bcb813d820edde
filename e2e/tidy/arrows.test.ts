import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repositoryRoot } from './steps.ts';

/** Path of a file -> its text. */
type Tree = Record<string, string>;

/** A small product that keeps every rule; each case below adds the one file that breaks one. */
const cleanTree: Tree = {
  'shared/package.json': JSON.stringify({ name: '@starling/shared', type: 'module', exports: { '.': './src/index.ts' } }),
  'shared/src/index.ts': "export { limit } from './limits.ts';",
  'shared/src/limits.ts': 'export const limit = 1;',
  'device-profiles/src/index.ts': "export { limit as profiles } from '@starling/shared';",
  'agent/src/core/ports/clock.ts': 'export interface Clock { nowMs(): number }',
  'agent/src/core/link/index.ts': "export { session } from './session.ts';",
  'agent/src/core/link/session.ts':
    "import type { Clock } from '../ports/clock.ts';\nexport const session = (clock: Clock) => clock.nowMs();",
  'agent/src/core/blobs/index.ts': "export { session as pull } from '../link/index.ts';",
  'agent/src/core/link/operators/index.ts': 'export const operators = 1;',
  'agent/src/core/blobs/nested.ts': "import '../link/operators/index.ts';",
  'agent/src/core/index.ts': "export { session } from './link/index.ts';",
  'agent/src/node/main.ts':
    "import { readFileSync } from 'node:fs';\nimport { session } from '../core/index.ts';\nsession(readFileSync as never);",
  'agent/src/browser/main.ts': 'export const page = 1;',
  'fleet/src/db/index.ts': 'export const open = 1;',
  'fleet/src/db/schema/devices.ts': 'export const devices = 1;',
  'fleet/src/devices/index.ts': "export { list } from './store.ts';",
  'fleet/src/devices/store.ts': "import { devices } from '../db/schema/devices.ts';\nexport const list = devices;",
  'fleet/src/devices/store.test.ts': "import { devices } from '../db/schema/devices.ts';\ndevices;",
  'fleet/src/rollouts/index.ts': "export { list as waves } from '../devices/index.ts';",
  'fleet/src/app.ts': "export { list } from './devices/index.ts';",
  'fleet/dashboard/src/main.tsx': "import { limit } from '@starling/shared';\nexport const view = <p>{limit}</p>;",
  'node_modules/zod/package.json': JSON.stringify({ name: 'zod', main: 'index.js' }),
  'node_modules/zod/index.js': 'module.exports = {};',
  'node_modules/react/package.json': JSON.stringify({ name: 'react', main: 'index.js' }),
  'node_modules/react/index.js': 'module.exports = {};',
};

/** Rule -> trees that break it, each in another way. */
const violations: Record<string, Tree[]> = {
  'no-circle': [
    { 'shared/src/limits.ts': "import './index.ts';\nexport const limit = 1;" },
    {
      'shared/src/a.ts': "import type { B } from './b.ts';\nexport type A = B;",
      'shared/src/b.ts': "import type { A } from './a.ts';\nexport type B = A | 1;",
    },
  ],
  'not-to-unresolvable': [
    { 'shared/src/lost.ts': "import './nowhere.ts';" },
    { 'fleet/src/devices/reach.ts': "import '@starling/shared/src/limits.ts';" },
  ],
  'shared-imports-none-of-ours': [{ 'shared/src/up.ts': "import '../../device-profiles/src/index.ts';" }],
  'device-profiles-import-only-shared': [{ 'device-profiles/src/up.ts': "import '../../fleet/src/app.ts';" }],
  'agent-imports-only-shared': [
    { 'agent/src/node/meet.ts': "import type { list } from '../../../fleet/src/app.ts';\nexport type L = typeof list;" },
    { 'agent/src/core/meet.ts': "import '../../../device-profiles/src/index.ts';" },
  ],
  'fleet-never-imports-agent': [{ 'fleet/src/meet.ts': "import '../../agent/src/node/main.ts';" }],
  'core-never-sees-an-edge': [
    { 'agent/src/core/edge.ts': "import '../node/main.ts';" },
    { 'agent/src/core/edge.ts': "export const page = () => import('../browser/main.ts');" },
  ],
  'edges-never-meet': [{ 'agent/src/browser/edge.ts': "import '../node/main.ts';" }],
  'portable-code-uses-no-builtin': [
    { 'agent/src/core/disk.ts': "import type { Stats } from 'node:fs';\nexport type S = Stats;" },
    { 'shared/src/disk.ts': "import 'crypto';" },
  ],
  'portable-code-uses-portable-packages': [{ 'agent/src/core/view.ts': "import 'react';" }],
  'dashboard-imports-only-shared': [{ 'fleet/dashboard/src/reach.ts': "import '../../src/app.ts';" }],
  'fleet-never-imports-dashboard': [{ 'fleet/src/reach.ts': "import '../dashboard/src/main.tsx';" }],
  'tables-belong-to-stores': [
    { 'fleet/src/devices/select.ts': "import { devices } from '../db/schema/devices.ts';\ndevices;" },
    { 'fleet/src/app.ts': "import './db/schema/devices.ts';" },
  ],
  'module-only-through-its-index': [
    { 'fleet/src/rollouts/reach.ts': "import '../devices/store.ts';" },
    { 'agent/src/core/blobs/reach.ts': "import type { session } from '../link/session.ts';\nexport type S = typeof session;" },
  ],
  'module-only-through-its-index-from-outside': [
    { 'agent/src/node/reach.ts': "import '../core/link/session.ts';" },
    { 'fleet/src/app.ts': "import './devices/store.ts';" },
  ],
  'ports-know-only-ports': [{ 'agent/src/core/ports/up.ts': "import '../link/index.ts';" }],
  'link-knows-no-handler': [
    { 'agent/src/core/spool/index.ts': 'export const spool = 1;', 'agent/src/core/link/up.ts': "import '../spool/index.ts';" },
  ],
  'product-imports-no-test': [{ 'fleet/src/devices/reach.ts': "import './store.test.ts';" }],
  'product-uses-no-development-dependency': [
    {
      'fleet/package.json': JSON.stringify({ name: '@starling/fleet', devDependencies: { zod: '1' } }),
      'fleet/src/devices/tool.ts': "import 'zod';",
    },
  ],
};

const configuration = await extractDepcruiseOptions(join(repositoryRoot, '.dependency-cruiser.cjs'));

let directory: string;

async function plant(tree: Tree): Promise<void> {
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

/** Names of the rules that the planted tree breaks. */
async function brokenRules(): Promise<string[]> {
  const { output } = await cruise(['shared', 'device-profiles', 'agent', 'fleet'], { ...configuration, baseDir: directory });
  const { summary } = output as ICruiseResult;
  return [...new Set(summary.violations.map((violation) => violation.rule.name))];
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-arrows-'));
  await plant(cleanTree);
  await mkdir(join(directory, 'node_modules/@starling'), { recursive: true });
  await symlink(join(directory, 'shared'), join(directory, 'node_modules/@starling/shared'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test('a tree that keeps the arrows passes', async () => {
  expect(await brokenRules()).toEqual([]);
});

test('every rule has a violation here', () => {
  const rules = configuration.ruleSet?.forbidden?.map((rule) => rule.name);
  expect(Object.keys(violations).toSorted()).toEqual(rules?.toSorted());
});

describe.each(Object.entries(violations))('%s', (rule, trees) => {
  test.each(trees.map((tree) => [Object.entries(tree).at(-1)?.join(': '), tree] as const))('refuses %s', async (_title, tree) => {
    await plant(tree);
    expect(await brokenRules()).toContain(rule);
  });
});
