import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { StarlingError, sha256Hex } from '@starling/shared';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeBlobStore } from '../../agent/src/core/ports/blob-store.contract.ts';
import type { BlobStore, PartialBlob } from '../../agent/src/core/ports/blob-store.ts';
import { describeFileStore } from '../../agent/src/core/ports/file-store.contract.ts';
import type { FileStore } from '../../agent/src/core/ports/file-store.ts';
import { describeWith } from '../harness/requires.ts';
import { scaled } from '../harness/scale.ts';
import { launchRunBrowser } from './run-page.ts';
import { type StaticSite, serveSite } from './static-site.ts';

const SETUP_TIMEOUT_MS = 400_000;
const FILE_RUNS = 60;
const agentFolder = fileURLToPath(new URL('../../agent', import.meta.url));
const worker = fileURLToPath(new URL('./in-worker/stores-worker.ts', import.meta.url));

/** The stores live in a worker of this page; a call goes there and back. Bytes travel as text, sets as lists. */
const page = `<!doctype html><title>Stores</title><link rel="icon" href="data:,"><script type="module">
  const worker = new Worker('./stores.js', { type: 'module' });
  const there = (value) => (value?.base64 !== undefined ? Uint8Array.fromBase64(value.base64) : value?.members ? new Set(value.members) : value);
  const back = (value) => (value instanceof Uint8Array ? { base64: value.toBase64() } : value);
  globalThis.call = (target, method, given) => new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve({ ...data, value: back(data.value) });
    worker.postMessage({ target, method, given: given.map(there) });
  });
</script>`;

interface Answer {
  value?: unknown;
  verified: number[];
  error?: { code: string; message: string };
}

describeWith(['chromium'], 'the private files of a browser', ({ chromium }) => {
  let folder: string;
  let site: StaticSite;
  let browser: Browser;
  let tab: Page;
  let homes = 0;
  let last: Promise<unknown> = Promise.resolve();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-stores-'));
    const { build } = await import(pathToFileURL(createRequire(join(agentFolder, 'package.json')).resolve('vite')).href);
    await build({
      ...{ configFile: false, root: folder, logLevel: 'error' },
      build: { outDir: folder, emptyOutDir: false, lib: { entry: worker, formats: ['es'], fileName: () => 'stores.js' } },
    });
    site = await serveSite(folder, page);
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

  const call = async (target: number, method: string, ...given: unknown[]): Promise<Answer> => {
    const sent = given.map((each) =>
      each instanceof Uint8Array ? { base64: Buffer.from(each).toString('base64') } : each instanceof Set ? { members: [...each] } : each,
    );
    const turn = last.then(() =>
      tab.evaluate((args) => (globalThis as unknown as { call(...all: unknown[]): Promise<Answer> }).call(...args), [
        target,
        method,
        sent,
      ] as const),
    );
    last = turn.catch(() => undefined);
    const answer = await turn;
    if (answer.error !== undefined) throw new StarlingError(answer.error.code, answer.error.message);
    return answer;
  };
  const value = async (target: number, method: string, ...given: unknown[]): Promise<never> => {
    const found = (await call(target, method, ...given)).value;
    return (
      typeof found === 'object' && found !== null && 'base64' in found
        ? Uint8Array.from(Buffer.from(String(found.base64), 'base64'))
        : found
    ) as never;
  };
  const targetOf = ({ value: opened }: Answer): number => (opened as { target: number }).target;
  const newHome = (): string => {
    homes += 1;
    return `home-${homes}`;
  };
  const openFiles = async (home: string): Promise<FileStore> => {
    const at = targetOf(await call(0, 'openFiles', home));
    return {
      read: (name) => value(at, 'read', name),
      write: (name, bytes) => value(at, 'write', name, bytes),
      append: (name, bytes) => value(at, 'append', name, bytes),
      list: (prefix) => value(at, 'list', prefix),
      remove: (name) => value(at, 'remove', name),
    };
  };
  const openBlobs = async (home: string): Promise<BlobStore> => {
    const at = targetOf(await call(0, 'openBlobs', home));
    return {
      getDocument: (digest) => value(at, 'getDocument', digest),
      putDocument: (digest, bytes) => value(at, 'putDocument', digest, bytes),
      has: (digest) => value(at, 'has', digest),
      verify: (digest) => value(at, 'verify', digest),
      locate: (digest) => digest,
      openPartial: async (manifest) => partialAt(await call(at, 'openPartial', manifest)),
      readRange: (digest, offset, length) => value(at, 'readRange', digest, offset, length),
      freeBytes: () => value(at, 'freeBytes'),
      keepOnly: (digests) => value(at, 'keepOnly', digests),
      remove: (digests) => value(at, 'remove', digests),
    };
  };
  const partialAt = (opened: Answer): PartialBlob => {
    const verified = new Set(opened.verified);
    const at = targetOf(opened);
    return {
      verified,
      async write(index, bytes) {
        for (const each of (await call(at, 'write', index, bytes)).verified) verified.add(each);
      },
      commit: () => value(at, 'commit'),
      close: () => value(at, 'close'),
    };
  };

  describeFileStore(
    'a folder of a browser',
    async () => {
      const home = newHome();
      return { open: () => openFiles(home) };
    },
    scaled(FILE_RUNS),
  );
  describeBlobStore('a folder of a browser', async () => {
    const home = newHome();
    return { open: () => openBlobs(home) };
  });

  test('a blob of many pieces is hashed piece by piece, and one that changed at rest is not given out', async () => {
    const home = newHome();
    const store = await openBlobs(home);
    const pieces = [0, 1, 2].map((seed) => Uint8Array.from({ length: 700_001 }, (_, index) => (index * 7 + seed) % 251));
    const bytes = Uint8Array.from(Buffer.concat(pieces));
    const chunks = await Promise.all(pieces.map(async (piece) => ({ digest: await sha256Hex(piece), sizeBytes: piece.length })));
    const digest = await sha256Hex(bytes);
    const partial = await store.openPartial({ digest, sizeBytes: bytes.length, chunks });
    for (const [index, piece] of pieces.entries()) await partial.write(index, piece);
    await partial.commit();
    await partial.close();
    expect([await store.verify(digest), await store.has(digest)]).toEqual([true, true]);
    await tab.evaluate(
      async ([name, file]) => {
        const folder = await (await (await navigator.storage.getDirectory()).getDirectoryHandle(name)).getDirectoryHandle('blobs');
        const writing = await (await folder.getFileHandle(file)).createWritable({ keepExistingData: true });
        await writing.write({ type: 'write', position: 1_500_000, data: new Uint8Array([255]) });
        await writing.close();
      },
      [home, digest] as const,
    );
    expect([await store.verify(digest), await store.has(digest)]).toEqual([false, false]);
  });
});
