import { describe, expect, test } from 'vitest';
import type { Rule } from '../rule.ts';
import { ambientSources } from './ambient-sources.ts';
import { bareErrors } from './bare-errors.ts';
import { environment } from './environment.ts';
import { FILE_LINES_MAXIMUM, fileLength } from './file-length.ts';
import { fileNames } from './file-names.ts';
import { FUNCTION_LINES_MAXIMUM, functionLength } from './function-length.ts';
import { rules } from './index.ts';
import { indexComment } from './index-comment.ts';
import { productWords } from './product-words.ts';
import { schemaIds } from './schema-ids.ts';
import { topicLiterals } from './topic-literals.ts';

/** Path of a file and its text. */
type Case = [path: string, text: string];

interface Proof {
  rule: Rule;
  refused: Case[];
  accepted: Case[];
}

const lines = (count: number): string => 'const line = 1;\n'.repeat(count);
const product = 'fleet/src/devices/enrol.ts';

const proofs: Proof[] = [
  {
    rule: fileLength,
    refused: [[product, lines(FILE_LINES_MAXIMUM + 1)]],
    accepted: [
      [product, lines(FILE_LINES_MAXIMUM)],
      ['docs/architecture.md', lines(FILE_LINES_MAXIMUM + 1)],
    ],
  },
  {
    rule: functionLength,
    refused: [
      [product, `function long() {\n${lines(FUNCTION_LINES_MAXIMUM - 1)}}`],
      [product, `export const long = async () => {\n${lines(FUNCTION_LINES_MAXIMUM - 1)}};`],
      [product, `class Long { method() {\n${lines(FUNCTION_LINES_MAXIMUM - 1)}} }`],
      [product, `function factory() {\nfunction inner() {\n${lines(9)}}\n${lines(FUNCTION_LINES_MAXIMUM)}}`],
      [product, `function outer() {\nstart();\nlist.map(() => {\n${lines(FUNCTION_LINES_MAXIMUM - 3)}});\n}`],
      ['e2e/harness/fleet.ts', `const wide = () => ({\n${'a: 1,\n'.repeat(FUNCTION_LINES_MAXIMUM - 1)}});`],
    ],
    accepted: [
      [product, `/**\n${' * why\n'.repeat(9)} */\nfunction fits() {\n${lines(FUNCTION_LINES_MAXIMUM - 2)}}`],
      ['fleet/src/devices/enrol.test.ts', `describe('x', () => {\n${lines(FUNCTION_LINES_MAXIMUM)}});`],
      [product, `function factory() {\nfunction inner() {\n${lines(60)}}\n${lines(60)}return { method() {\n${lines(60)}} };\n}`],
      [product, `const table = {\n${'a: 1,\n'.repeat(FUNCTION_LINES_MAXIMUM)}};`],
    ],
  },
  {
    rule: fileNames,
    refused: [
      ['fleet/src/utils.ts', ''],
      ['fleet/src/helpers/x.ts', ''],
      ['fleet/src/common.test.ts', ''],
      ['agent/src/lib/x.ts', ''],
      ['agent/src/node/blob-manager.ts', ''],
      ['agent/src/node/string-utils.ts', ''],
      ['agent/src/node/misc.ts', ''],
      ['agent/src/node/blobStore.ts', ''],
      ['fleet/dashboard/src/DeviceList.tsx', ''],
    ],
    accepted: [
      ['agent/src/node/blob-store.ts', ''],
      ['fleet/src/libraries.ts', ''],
      ['e2e/tidy/tidy.test.ts', ''],
      ['fleet/dashboard/src/device-list.tsx', ''],
    ],
  },
  {
    rule: environment,
    refused: [
      [product, 'const port = process.env.PORT;'],
      [product, 'const { PORT } = globalThis.process.env;'],
      [product, "import { env } from 'node:process';"],
      [product, "import { env as settings } from 'process';"],
      ['e2e/demo/main.ts', 'const port = process.env["PORT"];'],
    ],
    accepted: [
      ['fleet/src/config.ts', 'const port = process.env.PORT;'],
      ['e2e/harness/scale.ts', 'const scale = process.env.STARLING_TEST_SCALE;'],
      ['fleet/src/devices/enrol.test.ts', 'process.env.PORT;'],
      [product, '// process.env is read elsewhere\nconst text = "process.env";'],
    ],
  },
  {
    rule: ambientSources,
    refused: [
      [product, 'const at = Date.now();'],
      [product, 'const clock = { nowMs: Date.now };'],
      [product, 'const at = new Date();'],
      [product, 'const at = Date();'],
      [product, 'const chance = Math.random();'],
      [product, 'const id = crypto.randomUUID();'],
      [product, "import { randomUUID } from 'node:crypto';"],
      ['fleet/src/my-clock.tsx', 'Date.now();'],
    ],
    accepted: [
      ['agent/src/node/clock.ts', 'export const nowMs = () => Date.now();'],
      ['fleet/src/ids.ts', 'export const id = () => crypto.randomUUID();'],
      [product, 'const at = new Date(atMs); // not Date.now()'],
      ['fleet/src/devices/enrol.test.ts', 'Date.now();'],
    ],
  },
  {
    rule: bareErrors,
    refused: [
      [product, "throw new Error('no');"],
      [product, "throw Error('no');"],
      [product, "reject(new TypeError('no'));"],
    ],
    accepted: [
      [product, "throw new StarlingError('no-device', 'no such device');"],
      [product, 'if (error instanceof Error) throw error; // new Error('],
      ['fleet/src/devices/enrol.test.ts', "throw new Error('no');"],
      ['e2e/faults/kill.ts', "throw new Error('no');"],
    ],
  },
  {
    rule: topicLiterals,
    refused: [
      [product, "const root = 'starling/v1';"],
      [product, 'const topic = `d/${device}/hello`;'],
      [product, 'const topic = `${root}/d/${device}/hello`;'],
      [product, "const filter = 'd/+/hello';"],
    ],
    accepted: [
      ['shared/src/wire/topics.ts', "const root = 'starling/v1';"],
      ['e2e/attacks/topics.test.ts', 'publish(`starling/v1/d/${other}/hello`);'],
      [product, 'const url = `/api/v1/found/${device}`; const day = `d/m/y`; const sum = `${a}d/${b}`;'],
    ],
  },
  {
    rule: indexComment,
    refused: [
      ['fleet/src/devices/index.ts', "export { enrol } from './enrol.ts';"],
      ['fleet/src/devices/index.ts', "/** Devices. */\nexport { enrol } from './enrol.ts';"],
      ['fleet/src/devices/index.ts', "export { enrol } from './enrol.ts';\n/** claims -> devices */"],
    ],
    accepted: [
      ['fleet/src/devices/index.ts', "/** Claims -> enrolled devices. */\nexport { enrol } from './enrol.ts';"],
      ['fleet/src/devices/index.ts', "// Claims -> enrolled devices\nexport { enrol } from './enrol.ts';"],
      [product, 'export const x = 1;'],
    ],
  },
  {
    rule: schemaIds,
    refused: [
      [product, "a.meta({ id: 'Hello' }); b.meta({ id: 'Hello' });"],
      [product, "a.meta({ title: 'x', id: 'Hello' }); b.register(registry, { id: 'Hello' });"],
      [product, "a.openapi('Hello'); b.meta({ id: 'Hello' });"],
    ],
    accepted: [[product, "a.meta({ id: 'Hello' }); b.meta({ id: 'Presence' }); c.meta({ title: 'Hello' }); d.find({ id: 'Hello' });"]],
  },
  {
    rule: productWords,
    refused: [
      ['docs/guides/first-device.md', 'cd /work/main'],
      [product, '// see issue #12'],
      ['README.md', 'A helper does it.'],
      [product, '// TODO later'],
    ],
    accepted: [
      ['README.md', 'The network path is /srv/work/x; see microsoft/onnxruntime #19611; it is helpful.'],
      ['e2e/tidy/rules/product-words.ts', '/work/'],
    ],
  },
];

test('every rule is proven here', () => {
  expect(proofs.map((proof) => proof.rule.name)).toEqual(rules.map((rule) => rule.name));
});

describe.each(proofs.map((proof) => [proof.rule.name, proof] as const))('%s', (_name, { rule, refused, accepted }) => {
  test.each(refused)('refuses %s: %s', (path, text) => {
    expect(rule.find([{ path, text }])).toEqual([expect.objectContaining({ path })]);
  });

  test.each(accepted)('accepts %s: %s', (path, text) => {
    expect(rule.find([{ path, text }])).toEqual([]);
  });
});

test('schema ids are compared across files', () => {
  const files = ['a', 'b'].map((name) => ({ path: `shared/src/${name}.ts`, text: "x.meta({ id: 'Hello' });" }));
  expect(schemaIds.find(files)).toEqual([{ path: 'shared/src/b.ts', line: 1, message: 'schema id "Hello" is taken by shared/src/a.ts:1' }]);
});
