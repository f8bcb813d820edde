import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { api, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { launchRunBrowser, openRunPage } from './run-page.ts';
import { type StaticSite, serveSite } from './static-site.ts';

const SETUP_TIMEOUT_MS = 300_000;
const run = promisify(execFile);
const agentFolder = fileURLToPath(new URL('../../agent', import.meta.url));

/** Ten lines of somebody else. */
const page = `<!doctype html><title>Somebody else</title><link rel="icon" href="data:,"><canvas id="picture"></canvas>
<script type="module">
  import { createAgent } from './node_modules/@starling/agent/index.js';
  globalThis.start = async (fleet, token, bytes) => {
    const canvas = document.querySelector('#picture');
    const agent = await createAgent({ fleet, token, canvas }, (starting) => starting.on('status', (status) => (globalThis.status = status)));
    while (agent.status.agent?.reported.phase !== 'running') await new Promise((resolve) => agent.on('status', resolve));
    const result = await agent.infer(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    return { device: agent.status.agent.device, outputs: Object.keys(result.outputs), width: canvas.width, isolated: crossOriginIsolated };
  };
</script>`;

describeWith(['chromium'], 'the package for other pages', ({ chromium }) => {
  let folder: string;
  let site: StaticSite;
  let fleet: RunningFleet;
  let release: ReleaseView;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-package-'));
    const vite = join(dirname(createRequire(join(agentFolder, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');
    await run(process.execPath, [vite, 'build', '--config', 'vite.package.config.ts', '--logLevel', 'error'], { cwd: agentFolder });
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(agentFolder, 'dist/package') });
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${stdout.trim()}`], { cwd: folder });
    site = await serveSite(folder, page);
    fleet = await startRunningFleet({ 'browser-origins': site.origin });
    release = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await site?.close();
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('a plain page of another site installs it, enrols, and reads a picture in ten lines', async () => {
    const browser = await launchRunBrowser(chromium);
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'page', uses: 1, release: release.digest } });
    const tab = await openRunPage(browser, site.origin);
    const picture = [...(await paintPlain(40, 90, 160, 48))];
    const read = await tab.page.evaluate(
      ([address, token, bytes]) =>
        (globalThis as unknown as { start(...given: unknown[]): Promise<Record<string, unknown>> }).start(address, token, bytes),
      [fleet.baseUrl, text, picture] as const,
    );
    expect(read).toMatchObject({ outputs: ['boxes'], width: 48, isolated: true });
    const view = await fleet.untilRunning(String(read.device), release);
    expect(view.capabilities.environment).toBe('browser');
    expect(tab.complaints).toEqual([]);
    await tab.close();
    await browser.close();
  });
});
