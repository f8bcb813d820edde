import { createHash, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium as launcher, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import { freePorts } from '../harness/free-ports.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { openSecondNetwork, type SecondNetwork } from '../install/second-network.ts';

const SETUP_TIMEOUT_MS = 400_000;
const assets = fileURLToPath(new URL('../../agent/dist/browser/assets', import.meta.url));

describeWith(['chromium', 'ip'], 'the page for browsers, by HTTPS from another machine', ({ chromium, ip }) => {
  let folder: string;
  let network: SecondNetwork | undefined;
  let fleet: ReadyFleet;
  let context: BrowserContext;
  let page: Page;
  let origin: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    folder = await mkdtemp(join(tmpdir(), 'starling-serving-'));
    network = await openSecondNetwork(ip, 'starlingrun', 78);
    const [port = 0] = await freePorts(1);
    // Where the system gives no second network, another address of this machine has to do.
    const host = network?.hostAddress ?? '127.0.0.2';
    origin = `https://${host}:${port}`;
    fleet = await startReadyFleet({ 'https-port': `${port}`, 'public-url': origin, names: host });
    context = await openElsewhere({ chromium, folder, network, trusted: await keyDigest(host, port) });
    page = await context.newPage();
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await context?.close();
    await fleet?.stop();
    await network?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('is a secure context in which threads share memory, WebAssembly compiles, and a camera may be asked for', async () => {
    const response = await page.goto(`${origin}/run/`);
    expect(response?.status()).toBe(200);
    const found = await page.evaluate(async () => {
      // The empty module: magic number and version.
      const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
      // In a task of its own: what a debugger evaluates may do more.
      await new Promise((resolve) => setTimeout(resolve));
      return {
        ...{ isSecure: isSecureContext, isIsolated: crossOriginIsolated },
        memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer.constructor.name,
        compiles: (await WebAssembly.compile(empty)) instanceof WebAssembly.Module,
        hasCamera: typeof navigator.mediaDevices?.getUserMedia,
        hasKeys: typeof crypto.subtle?.sign,
        hasFiles: typeof navigator.storage?.getDirectory,
      };
    });
    expect(found).toMatchObject({ isSecure: true, isIsolated: true, memory: 'SharedArrayBuffer', compiles: true });
    expect(found).toMatchObject({ hasCamera: 'function', hasKeys: 'function', hasFiles: 'function' });
    expect(complaints).toEqual([]);
  });

  test('is watched over by its service worker, which the fleet lets control /run/ and no more', async () => {
    const scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
    expect(scope).toBe(`${origin}/run/`);
    const wider = await page.evaluate(() =>
      navigator.serviceWorker.register('/run/service-worker.js', { scope: '/' }).then(
        () => 'registered',
        (error: Error) => error.name,
      ),
    );
    expect(wider).toBe('SecurityError');
  });

  test('lets no text become code, and nothing leave for another host', async () => {
    const outcome = await page.evaluate(async (elsewhere) => {
      const blocked: string[] = [];
      addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
        blocked.push(`${effectiveDirective} ${blockedURI}`),
      );
      const nameOf = (error: unknown): string => (error as Error).name;
      // In a task of its own: what a debugger evaluates may do more.
      const evaluated = await new Promise<string>((resolve) =>
        setTimeout(() => {
          try {
            resolve(String(new Function('return 1')()));
          } catch (error) {
            resolve(nameOf(error));
          }
        }),
      );
      await fetch(elsewhere, { mode: 'no-cors' }).catch(nameOf);
      // Violations are told in a task of their own.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { evaluated, blocked };
    }, 'https://127.0.0.1:9/collect');
    expect(outcome.evaluated).toBe('EvalError');
    expect(outcome.blocked).toContain('script-src eval');
    expect(outcome.blocked.some((each) => each.startsWith('connect-src https://127.0.0.1:9'))).toBe(true);
  });

  test('opens the broker by WebSocket at its own address', async () => {
    const protocol = await page.evaluate(
      (address) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(address, 'mqtt');
          socket.onopen = () => resolve(socket.protocol);
          socket.onerror = () => resolve('refused');
        }),
      `${origin.replace('https', 'wss')}/mqtt`,
    );
    expect(protocol).toBe('mqtt');
  });

  test('sends every asset compressed and of its type, to be kept for good', async () => {
    const built = (await readdir(assets)).filter((name) => /\.(js|mjs|css|wasm)$/.test(name));
    expect(built.some((name) => name.endsWith('.wasm'))).toBe(true);
    const types: Record<string, string> = { js: 'text/javascript', mjs: 'text/javascript', css: 'text/css', wasm: 'application/wasm' };
    for (const name of built) {
      const { status, headers } = await ask(`${origin}/run/assets/${name}`);
      expect([name, status, headers['cache-control']]).toEqual([name, 200, 'public, max-age=31536000, immutable']);
      expect(headers['content-type']).toContain(types[name.split('.').at(-1) ?? '']);
      const { size } = await stat(join(assets, name));
      // Small ones are not worth it.
      if (size > 1024)
        expect([name, headers['content-encoding'], Number(headers['content-length']) < 0.6 * size]).toEqual([name, 'br', true]);
    }
  });
});

/** What a browser would get, without the body; who vouches for the certificate is looked at above. */
function ask(url: string): Promise<{ status: number | undefined; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false, headers: { 'accept-encoding': 'gzip, deflate, br' } }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    asked.once('error', reject);
    asked.end();
  });
}

interface Elsewhere {
  chromium: string;
  folder: string;
  network: SecondNetwork | undefined;
  /** Digest of the key that this browser takes for trusted, as if its authority had been installed. */
  trusted: string;
}

/** A browser on the other machine. */
async function openElsewhere({ chromium, folder, network, trusted }: Elsewhere): Promise<BrowserContext> {
  const program = join(folder, 'chromium');
  await writeFile(program, `#!/bin/sh\nexec ${[...(network?.enter ?? []), chromium].join(' ')} "$@"\n`);
  await chmod(program, 0o755);
  return launcher.launchPersistentContext(join(folder, 'profile'), {
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', `--ignore-certificate-errors-spki-list=${trusted}`],
  });
}

/** Base64 of the SHA-256 of the public key of a server, as Chromium's list names it. */
function keyDigest(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
      resolve(createHash('sha256').update(key).digest('base64'));
    });
    socket.once('error', reject);
  });
}
