import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { StarlingError } from '@starling/shared';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callOf, describeSandbox } from '../../agent/src/core/ports/sandbox.contract.ts';
import type { PackedValue, Sandbox, Script, ScriptAnswer } from '../../agent/src/core/ports/sandbox.ts';
import { createThreadSandbox } from '../../agent/src/node/sandbox.ts';
import { describeWith } from '../harness/requires.ts';
import { scaled } from '../harness/scale.ts';
import { launchRunBrowser } from './run-page.ts';
import { type StaticSite, serveSite } from './static-site.ts';

const SETUP_TIMEOUT_MS = 400_000;
const RUNS = 60;
const agentFolder = fileURLToPath(new URL('../../agent', import.meta.url));
const worker = fileURLToPath(new URL('./in-worker/sandbox-worker.ts', import.meta.url));

/** The sandbox lives in a worker of this page; a call goes there and back. Arrays travel as text. */
const page = `<!doctype html><title>Scripts</title><link rel="icon" href="data:,"><script type="module">
  const worker = new Worker('./sandbox.js', { type: 'module' });
  const there = (value) => {
    if (Array.isArray(value)) return value.map(there);
    if (typeof value !== 'object' || value === null) return value;
    if (value.base64 !== undefined) return new globalThis[value.view](Uint8Array.fromBase64(value.base64).buffer);
    return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, there(held)]));
  };
  const back = (value) => {
    if (Array.isArray(value)) return value.map(back);
    if (typeof value !== 'object' || value === null) return value;
    if (ArrayBuffer.isView(value)) return { view: value.constructor.name, base64: new Uint8Array(value.buffer).toBase64() };
    return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, back(held)]));
  };
  const waiting = new Map();
  worker.onmessage = ({ data }) => waiting.get(data.id)(back(data));
  globalThis.call = (method, given) => new Promise((resolve) => {
    const id = waiting.size;
    waiting.set(id, resolve);
    worker.postMessage({ id, method, given: there(given) });
  });
</script>`;
/** As the fleet serves its page: nothing is made of text but WebAssembly. */
const headers = {
  'content-security-policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-inline'; worker-src 'self'",
};

/** Kinds of scripts whose answers are compared: what differs between machines would show here. */
const compared = [
  `export default ({ numbers }) => ({
    sums: numbers.map((n) => Math.sin(n) + Math.exp(n % 50) - Math.atan2(n, 3) ** 1.7),
    texts: numbers.map((n) => [n.toString(7), n.toFixed(3), n.toExponential(), String(n / 3)]),
  })`,
  `export default ({ words }, { item }) => ({
    sorted: words.toSorted((one, other) => one.localeCompare(other)),
    cased: words.map((word) => [word.toUpperCase(), word.normalize('NFKD'), [...word].length, /^\\p{L}+$/u.test(word)]),
    dates: words.map((word, index) => [new Date(item.timeMs + index * 864e5).toString(), new Date(2000, index, 31, 25).toISOString()]),
  })`,
  `export default ({ numbers }) => {
    const chance = numbers.map(() => Math.random());
    const data = Float32Array.from(numbers, (n, index) => n * chance[index]);
    return { chance, tensor: { elementType: 'float32', shape: [data.length], data } };
  }`,
];

describeWith(['chromium'], 'scripts in a browser', ({ chromium }) => {
  let folder: string;
  let site: StaticSite;
  let browser: Browser;
  let tab: Page;
  const threads = createThreadSandbox(new URL('../../agent/src/node/engine/script-worker.ts', import.meta.url));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-scripts-'));
    const { build } = await import(pathToFileURL(createRequire(join(agentFolder, 'package.json')).resolve('vite')).href);
    await build({
      ...{ configFile: false, root: folder, base: './', logLevel: 'error', worker: { format: 'es' } },
      build: {
        ...{ outDir: folder, emptyOutDir: false, target: 'es2023', modulePreload: false },
        rolldownOptions: { input: { sandbox: worker }, output: { entryFileNames: '[name].js' }, preserveEntrySignatures: 'strict' },
      },
    });
    site = await serveSite(folder, page, headers);
    browser = await launchRunBrowser(chromium);
    tab = await browser.newPage();
    await tab.goto(site.origin);
    await tab.waitForFunction(() => 'call' in globalThis);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const call = async (method: string, given: unknown): Promise<unknown> => {
    const answer = await tab.evaluate(
      ([name, sent]) =>
        (globalThis as unknown as { call(...all: unknown[]): Promise<{ value: unknown; error?: Failure }> }).call(name, sent),
      [method, written(given)] as const,
    );
    if (answer.error !== undefined) throw new StarlingError(answer.error.code, answer.error.message);
    return read(answer.value);
  };
  const sandbox: Sandbox = {
    async open(module) {
      const script = await call('open', module);
      return {
        run: async (given, signal) => {
          await Promise.resolve();
          signal?.throwIfAborted();
          return (await call('run', { script, call: given })) as ScriptAnswer;
        },
        close: async () => void (await call('close', { script })),
      };
    },
  };

  describeSandbox('QuickJS in workers of a browser', () => sandbox, scaled(RUNS));

  test('the same scripts give the same answers as in Node', async () => {
    const numbers = Array.from({ length: 200 }, (_, index) => (index * 7919.123) % 1000);
    const words = ['Straße', 'ﬁne', 'ÅNGSTRÖM', 'İstanbul', '👩‍👩‍👧', 'a\u0301', 'z', 'Z', '10', '9', 'ǆ'];
    for (const source of compared) {
      const module = { source, params: '{}', cpuMs: 5_000, memoryMegabytes: 16 };
      const scripts: Script[] = [await sandbox.open(module), await threads.open(module)];
      const [there, here] = await Promise.all(scripts.map((script) => script.run(callOf({ numbers, words }))));
      expect(there).toEqual(here);
      await Promise.all(scripts.map((script) => script.close()));
    }
  });
});

interface Failure {
  code: string;
  message: string;
}

type NumberArray = Extract<PackedValue, { kind: 'array' }>['array'];
const views = {
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
};

function written(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return { view: value.constructor.name, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
  }
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, written(held)]));
}

function read(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(read);
  if (typeof value !== 'object' || value === null) return value;
  if ('base64' in value && 'view' in value) {
    const bytes = Uint8Array.from(Buffer.from(String(value.base64), 'base64'));
    return new views[value.view as keyof typeof views](bytes.buffer) as NumberArray;
  }
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, read(held)]));
}
