import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { api, type ReleaseView } from '@starling/shared';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../harness/free-ports.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { launchRunBrowser, openRunPage } from './run-page.ts';
import { type StaticSite, serveSite } from './static-site.ts';

const SETUP_TIMEOUT_MS = 300_000;
/** A name by which a browser reaches this machine without taking it for secure. */
const INSECURE_HOST = 'shop.test';
const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const agentFolder = join(root, 'agent');
const vite = join(dirname(createRequire(join(agentFolder, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');

/** Ten lines of somebody else, and a camera beside them. @param from where the package is imported from */
const code = (from: string): string => `
  import { createAgent, defineStarlingCamera } from '${from}';
  defineStarlingCamera();
  globalThis.start = async (fleet, token, bytes) => {
    const canvas = document.querySelector('#picture');
    const agent = await createAgent({ fleet, token, canvas });
    while (agent.status.agent?.reported.phase !== 'running') await new Promise((resolve) => agent.on('status', resolve));
    const result = await agent.infer(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    return { device: agent.status.agent.device, outputs: Object.keys(result.outputs), width: canvas.width, isolated: crossOriginIsolated };
  };
  globalThis.place = (attributes) => document.body.insertAdjacentHTML('beforeend', \`<starling-camera \${attributes}></starling-camera>\`);
  globalThis.film = (fleet, token) =>
    new Promise((resolve, reject) => {
      document.body.insertAdjacentHTML('beforeend', \`<starling-camera name="camera" fleet="\${fleet}" token="\${token}"></starling-camera>\`);
      const camera = document.querySelector('starling-camera');
      camera.addEventListener('result', ({ detail: { source, result } }) => resolve({ source, outputs: Object.keys(result.outputs) }));
      camera.addEventListener('problem', ({ detail }) => reject(detail));
    });`;
const page = (script: string): string =>
  `<!doctype html><title>Somebody else</title><link rel="icon" href="data:,"><canvas id="picture"></canvas><script type="module" ${script}</script>`;
const plain = page(`>${code('./node_modules/@starling/agent/index.js')}`);
/** The same on a site that sends files and no more: a worker of the package stands in for its headers. */
const bare = plain
  .replace('import { createAgent,', 'import { createAgent, isolatePage,')
  .replace('defineStarlingCamera();', "await isolatePage('./isolation-worker.js'); defineStarlingCamera();");
const isolation = "{ 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }";

/** An app as \`npm create vite\` leaves it: no word about workers, WebAssembly or what to leave alone. */
async function writeViteApp(folder: string, tarball: string): Promise<void> {
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
  await writeFile(join(folder, 'index.html'), page('src="/src/main.js">'));
  await writeFile(join(folder, 'src/main.js'), code('@starling/agent'));
  await writeFile(
    join(folder, 'vite.config.js'),
    `const headers = ${isolation};\nexport default { server: { headers }, preview: { headers } };`,
  );
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
}

describeWith(['chromium'], 'the package for other pages', ({ chromium }) => {
  let folder: string;
  let site: StaticSite;
  let bareSite: StaticSite;
  let refusingSite: StaticSite;
  let fleet: RunningFleet;
  let release: ReleaseView;
  let browser: Browser;
  let ports: number[];
  const servers: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-package-'));
    const { stdout } = await run('npm', ['run', '--silent', 'pack:agent', '--', '--to', folder], { cwd: root });
    const [tarball = '', size] = stdout.split('\n');
    expect(size).toMatch(/^\d+\.\d MB, \d+\.\d MB installed/);
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
    await writeViteApp(join(folder, 'app'), tarball);
    site = await serveSite(folder, plain);
    await copyFile(join(folder, 'node_modules/@starling/agent/isolation-worker.js'), join(folder, 'isolation-worker.js'));
    bareSite = await serveSite(folder, bare, {});
    refusingSite = await serveSite(folder, plain, { 'permissions-policy': 'camera=()' });
    ports = await freePorts(2);
    const origins = [site.origin, bareSite.origin, refusingSite.origin, ...ports.map((port) => `http://127.0.0.1:${port}`)];
    fleet = await startRunningFleet({ 'browser-origins': origins.join() });
    release = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
    browser = await launchRunBrowser(chromium, [
      ...['--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
      `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
    ]);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.kill();
    await site?.close();
    await bareSite?.close();
    await refusingSite?.close();
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const claim = async (): Promise<string> => {
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'page', uses: 1, release: release.digest } });
    return text;
  };
  /** Vite with this command, once it answers. */
  const serve = async (command: 'preview' | 'dev', port: number): Promise<string> => {
    const origin = `http://127.0.0.1:${port}`;
    const flags = ['--port', `${port}`, '--strictPort', '--host', '127.0.0.1'];
    servers.push(spawn(process.execPath, [vite, command, ...flags], { cwd: join(folder, 'app'), stdio: 'ignore' }));
    await until('the server answers', () =>
      fetch(origin).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return origin;
  };
  /** Reads a picture by `createAgent` and frames by `<starling-camera>`, each as a device of its own. */
  const tryOut = async (origin: string): Promise<void> => {
    const { page: tab, complaints, close } = await openRunPage(browser, origin);
    await tab.waitForFunction(() => 'film' in globalThis);
    const call = (name: string, ...given: unknown[]): Promise<Record<string, unknown>> =>
      tab.evaluate(([part, args]) => (globalThis as never as Record<string, (...all: unknown[]) => never>)[part]?.(...args) as never, [
        name,
        given,
      ] as const);
    const read = await call('start', fleet.baseUrl, await claim(), [...(await paintPlain(40, 90, 160, 48))]);
    expect(read).toMatchObject({ outputs: ['boxes'], width: 48, isolated: true });
    const view = await fleet.untilRunning(String(read.device), release);
    expect(view.capabilities.environment).toBe('browser');
    expect(view.capabilities.browser?.wasm.threads).toBeGreaterThan(1);
    expect(await call('film', fleet.baseUrl, await claim())).toEqual({ source: 'camera', outputs: ['boxes'] });
    // What reads has nothing to explain.
    await expect.poll(() => tab.locator('starling-camera [role=status]').textContent()).toBe('');
    expect(complaints).toEqual([]);
    await close();
  };

  test('a plain page of another site installs it, enrols, and reads a picture and a camera in ten lines', () => tryOut(site.origin));

  test('so does one on a site that sends no headers, with threads, by a worker of the package', () => tryOut(bareSite.origin));

  test.each([true, false])(
    'a site that the fleet was not told of hears that, and the setting to change (isolated: %s)',
    async (isolated) => {
      const stranger = await serveSite(folder, plain, ...(isolated ? [] : [{}]));
      const { page: tab, close } = await openRunPage(browser, stranger.origin);
      try {
        const refusalOf = async (url: string): Promise<unknown> =>
          tab.evaluate(
            async ([at, token]) => {
              const { start } = globalThis as never as { start(...given: unknown[]): Promise<unknown> };
              return start(at, token, []).catch(({ code, message, hint }) => ({ code, message, hint }));
            },
            [url, await claim()] as const,
          );
        await tab.waitForFunction(() => 'start' in globalThis);
        expect(await refusalOf(fleet.baseUrl)).toEqual({
          code: 'cross-origin',
          message: `the fleet ${fleet.baseUrl} does not let pages of ${stranger.origin} run devices`,
          hint: expect.stringContaining(`--browser-origins ${stranger.origin}`),
        });
        expect(await refusalOf('http://127.0.0.1:9')).toMatchObject({ code: 'unreachable', hint: expect.stringContaining('127.0.0.1:9') });
      } finally {
        await close();
        await stranger.close();
      }
    },
  );

  /** What the element says below its picture. @param attributes made of the fleet's address and a claim token that runs the release */
  const unread = async (origin: string, attributes: string, said: string): Promise<void> => {
    const { page: tab, close } = await openRunPage(browser, origin);
    await tab.waitForFunction(() => 'place' in globalThis);
    await tab.evaluate((given) => (globalThis as never as { place(attributes: string): void }).place(given), attributes);
    await tab.locator('starling-camera [role=status]').getByText(said).waitFor({ timeout: 30_000 });
    await close();
  };

  test('an element without a claim token, or without a fleet, says which attribute is missing', async () => {
    await unread(site.origin, `fleet="${fleet.baseUrl}"`, 'The attribute "token" is missing');
    await unread(site.origin, `token="${await claim()}"`, 'The attribute "fleet" is missing');
  });

  test('an element whose device has no release says so, and where to assign one', async () => {
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'page' } });
    const said = 'no release was assigned to this device. Assign one in the dashboard, under Devices.';
    await unread(site.origin, `fleet="${fleet.baseUrl}" token="${text}"`, said);
  });

  test('an element that gets no camera says so, and what to do', async () => {
    const attributes = async (): Promise<string> => `fleet="${fleet.baseUrl}" token="${await claim()}"`;
    await unread(refusingSite.origin, await attributes(), 'This page may not use the camera. Allow the camera for this page');
    await unread(site.origin, `${await attributes()} camera="none"`, 'There is no such camera here.');
  });

  test('an element on a page that came over plain HTTP says so, and what to do', async () => {
    const origin = site.origin.replace('127.0.0.1', INSECURE_HOST);
    const said = 'A page that came over plain HTTP gets no camera, no keys and no storage. Open it by HTTPS';
    await unread(origin, `fleet="${fleet.baseUrl}" token="${await claim()}"`, said);
  });

  test('tells whoever opens its folder what it is and how it is begun', async () => {
    const readme = await readFile(join(folder, 'node_modules/@starling/agent/README.md'), 'utf8');
    for (const part of [
      'createAgent({ fleet:',
      'defineStarlingCamera()',
      '<starling-camera fleet=',
      './node_modules/@starling/agent/index.js',
    ])
      expect(readme).toContain(part);
  });

  test('a package of the sources is refused, with the command that makes one', async () => {
    const packing = run('npm', ['pack', '--dry-run'], { cwd: agentFolder });
    await expect(packing).rejects.toThrow('npm run pack:agent');
  });

  test('so does an app that Vite has built', async () => {
    const app = join(folder, 'app');
    const { stderr } = await run(process.execPath, [vite, 'build'], { cwd: app });
    expect(stderr).not.toContain("doesn't exist");
    await tryOut(await serve('preview', ports[0] ?? 0));
  });

  test('so does one that its development server serves piece by piece', async () => {
    await tryOut(await serve('dev', ports[1] ?? 0));
  });
});
