import { api, type ReleaseView, runPageLink } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { type BidiPage, openFirefox } from './bidi.ts';

const SETUP_TIMEOUT_MS = 300_000;
const WAIT_MS = 120_000;

describeWith(['firefox'], 'Firefox as a device', ({ firefox }) => {
  let fleet: RunningFleet;
  let release: ReleaseView;
  let page: BidiPage;
  let device: string;

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    release = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
    page = await openFirefox(firefox);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await page?.close();
    await fleet?.stop();
  });

  const textOf = (selector: string): Promise<string> => page.evaluate(`document.querySelector('${selector}')?.textContent ?? ''`);
  const runs = (): Promise<unknown> =>
    until(
      'the release runs',
      async () => (await textOf('#steps li:last-child[data-state=done]')) !== '',
      WAIT_MS,
      async () => `${await page.evaluate('document.body.dataset.phase')}: ${await textOf('main')}`,
    );

  test('enrols by its link, pulls, tests itself and runs, with threads', async () => {
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'firefox', uses: 1, release: release.digest } });
    await page.goto(runPageLink(fleet.baseUrl, text));
    await runs();
    device = await textOf('#facts dd');
    const view = await fleet.untilRunning(device, release);
    expect([view.profile, view.reported?.running?.providers]).toEqual(['browser-wasm', { map: 'wasm' }]);
    expect(view.capabilities.browser).toMatchObject({ name: 'Firefox', crossOriginIsolated: true, key: 'non-extractable' });
    expect(view.capabilities.browser?.wasm.threads).toBeGreaterThan(1);
  });

  test('reads a picture that the fleet sends, and one that a person gives', async () => {
    const picture = await paintPlain(40, 90, 160);
    const { result } = await fleet.client.call(api.inferOnDevice, { params: { id: device }, raw: picture });
    expect(result.outputs).toEqual({ boxes: [] });
    await page.evaluate(`(() => {
      const given = new DataTransfer();
      given.items.add(new File([Uint8Array.from(atob('${picture.toString('base64')}'), (letter) => letter.charCodeAt(0))], 'blue.png', { type: 'image/png' }));
      const input = document.querySelector('#files');
      input.files = given.files;
      input.dispatchEvent(new Event('change'));
    })()`);
    await until('the picture is read', async () => (await page.evaluate("document.querySelector('#picture').dataset.read")) === 'blue.png');
  });

  test('is the same device after a reload', async () => {
    await page.reload();
    await runs();
    expect(await textOf('#facts dd')).toBe(device);
    await until('it is online', async () => (await textOf('#link')) === 'online');
  });
});
