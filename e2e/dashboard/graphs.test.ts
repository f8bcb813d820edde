import { api, operatorRegistry, type PipelineInput, parseClaimToken, type ReleaseView } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { findBoxes, mapModel, publishMapRelease } from '../harness/small-models.ts';
import { launchChromium, openPage, PHONE, seriousFindings, settle, signedIn, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

/** Twelve nodes in a row, as in a pipeline that reads signs. */
const longPipeline: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'long', version: '1.0.0' },
  ...{ inputs: { image: 'encoded-image' }, outputs: { image: 'image' } },
  nodes: {
    decode: { op: 'image.decode' },
    ...Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`n${index}`, { op: 'image.fit', params: { width: 64, height: 64 } }])),
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'n0.image' },
    ...Array.from({ length: 9 }, (_, index) => ({ from: `n${index}.image`, to: `n${index + 1}.image` })),
    { from: 'n9.image', to: 'output.image' },
  ],
};

const countingPipeline: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'counting', version: '1.0.0' },
  ...{ inputs: { image: 'image', found: 'detections' }, outputs: { counts: 'json', small: 'image', tall: 'image', site: 'json' } },
  parameters: { side: { default: 64 } },
  nodes: {
    line: { op: 'count.line', params: { lines: [{ name: 'middle', from: [0.5, 1], to: [0.5, 0] }], unit: 'share' } },
    fit: { op: 'image.fit', params: { width: 64, height: 64 } },
    tall: { op: 'image.fit', params: { width: 64, height: '${side}' } },
    site: { op: 'value.constant', triggers: ['input.image'], params: { value: 1 } },
    home: { sink: 'home-assistant', params: { url: 'mqtt://home.example', entities: { gate: { kind: 'image' } } } },
  },
  edges: [
    { from: 'input.found', to: 'line.detections' },
    { from: 'input.image', to: 'line.source' },
    { from: 'input.image', to: 'fit.image' },
    { from: 'input.image', to: 'tall.image' },
    { from: 'line.counts', to: 'output.counts' },
    { from: 'fit.image', to: 'output.small' },
    { from: 'fit.image', to: 'home.image' },
    { from: 'site.value', to: 'output.site' },
    { from: 'tall.image', to: 'output.tall' },
  ],
};

describeWith(['chromium'], 'graphs in the dashboard', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let release: ReleaseView;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startRunningFleet();
    release = await publishMapRelease(fleet, mapModel(1, { width: 8, layers: 1 }), 0);
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const open = async (path: string): Promise<Awaited<ReturnType<typeof openPage>>> => {
    const opened = await openPage(browser, { storageState, viewport: WIDE });
    await opened.page.goto(`${fleet.baseUrl}${path}`);
    await settle(opened.page);
    return opened;
  };
  const node = (page: Page, name: string) => page.locator(`.react-flow__node[data-node="${name}"]`);

  test('a long graph is seen whole, on a desk and on a phone, and is walked through from column to column', async () => {
    const view = await fleet.operator.pushPipeline(longPipeline);
    for (const [viewport, least] of [
      [WIDE, 0.85],
      [PHONE, 0.35],
    ] as const) {
      const { page, complaints, close } = await openPage(browser, { storageState, viewport });
      await page.goto(`${fleet.baseUrl}/pipelines/${view.digest}`);
      await settle(page);
      await node(page, 'output').waitFor();
      const canvas = await page.locator('.react-flow').boundingBox();
      if (canvas === null) throw new Error('the graph is drawn');
      for (const name of ['input', 'decode', 'n0', 'n5', 'n9', 'output']) {
        const box = await node(page, name).boundingBox();
        expect(box?.x).toBeGreaterThanOrEqual(canvas.x - 1);
        expect(box?.y).toBeGreaterThanOrEqual(canvas.y - 1);
        expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(canvas.x + canvas.width + 1);
        expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(canvas.y + canvas.height + 1);
      }
      const zoom = await page.locator('.react-flow__viewport').evaluate((element) => new DOMMatrix(getComputedStyle(element).transform).a);
      expect(zoom).toBeGreaterThanOrEqual(least);
      // Lines leave a node at its lower edge, from near and from afar.
      const gaps = await page.locator('.react-flow__node .react-flow__handle-bottom').evaluateAll((handles) =>
        handles.map((handle) => {
          const [dot, whole] = [handle, handle.closest('.react-flow__node') ?? handle].map((each) => each.getBoundingClientRect());
          return Math.abs(Number(dot?.y) + Number(dot?.height) / 2 - Number(whole?.bottom));
        }),
      );
      expect(gaps.length).toBeGreaterThan(5);
      expect(Math.max(...gaps)).toBeLessThan(6);
      // Names are in letters of ten pixels at least, whatever the size of the drawing.
      const letters = await node(page, 'n5')
        .getByText('n5', { exact: true })
        .evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
      expect(letters * zoom).toBeGreaterThanOrEqual(8);
      await node(page, 'input').focus();
      for (let press = 0; press < 12; press += 1) await page.keyboard.press('ArrowDown');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('data-node'))).toBe('output');
      expect(complaints).toEqual([]);
      await close();
    }
  });

  test('the graph of a device is drawn once it is assigned, before anything of it has run', async () => {
    const operatorVersions = Object.fromEntries([...operatorRegistry.values()].map(({ name, version }) => [name, version]));
    const assigned = await createProtocolDevice(fleet.baseUrl, { operatorVersions });
    const claim = parseClaimToken((await fleet.client.call(api.createClaimToken, { body: { name: 'assigned', uses: 1 } })).text);
    if (claim === undefined) throw new Error('the fleet made a claim token');
    await assigned.enrol(claim);
    await fleet.assign(assigned.id, release);
    const { page, complaints, close } = await open(`/devices/${assigned.id}?tab=graph`);
    await page.getByText('No figures yet: a device tells them once items go through.').waitFor();
    await page.getByText('It is offline, and has not run this release yet.').waitFor();
    await expect.poll(() => page.locator('.react-flow__edge').count()).toBe(findBoxes.edges.length);
    await page.getByRole('group', { name: /^map\.y to boxes\.map; .*no figures yet/ }).press('Enter');
    await page.getByText('The device does not run this release.').first().waitFor();
    expect(complaints).toEqual([]);

    // While they are read, and where they cannot be read, that is what it says.
    let isHeld = true;
    await page.route(`**/devices/${assigned.id}/telemetry?*`, async (route) => {
      if (isHeld) return;
      await route.fulfill({ status: 403, json: { code: 'forbidden', title: 'forbidden', detail: 'not for you', status: 403 } });
    });
    await page.reload();
    await page.getByText('Reading its figures …').waitFor();
    await expect.poll(() => page.locator('.react-flow__edge').count()).toBe(findBoxes.edges.length);
    expect(await page.getByText('no figures yet').count()).toBe(0);
    isHeld = false;
    await page.reload();
    await page.getByText('Its figures cannot be read: ').waitFor();
    await close();
  });

  test('lists, objects and parameters of a node have fields of their own, with what is wrong beside them', async () => {
    const view = await fleet.operator.pushPipeline(countingPipeline);
    const { page, complaints, close } = await open(`/pipelines/new?from=${view.digest}`);
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems.getByText('No problem found').waitFor();
    const text = page.getByRole('textbox', { name: 'Pipeline as YAML' });

    await node(page, 'line').click();
    const lines = page.getByRole('group', { name: 'lines', exact: true });
    await lines.getByRole('textbox', { name: 'lines 0 from' }).fill('0.25, 1');
    await lines.getByRole('textbox', { name: 'lines 0 from' }).press('Enter');
    await text.getByText('0.25').first().waitFor();
    await lines.getByRole('textbox', { name: 'lines 0 to' }).fill('0.25');
    await lines.getByRole('textbox', { name: 'lines 0 to' }).press('Enter');
    await lines.getByText('write 2 numbers, separated by commas').waitFor();
    await lines.getByRole('button', { name: 'Add to lines' }).click();
    // A row begins with what it needs; what is still wrong about that stands at its field.
    const name = lines.getByRole('textbox', { name: 'lines 1 name' });
    await expect.poll(() => name.getAttribute('aria-invalid')).toBe('true');
    await name.fill('gate');
    await name.press('Enter');
    await expect.poll(() => name.getAttribute('aria-invalid')).not.toBe('true');
    expect(await seriousFindings(page)).toEqual([]);
    await lines.getByRole('button', { name: 'Remove 2' }).click();
    await name.waitFor({ state: 'detached' });

    await node(page, 'fit').click();
    await page.getByRole('button', { name: 'Take width from a parameter' }).click();
    await page.getByRole('menuitem', { name: 'side' }).click();
    await expect.poll(() => page.getByRole('combobox', { name: 'width' }).inputValue()).toBe('side');
    await text.getByText('${side}').first().waitFor();
    await problems.getByText('No problem found').waitFor();

    await node(page, 'home').click();
    const entry = page.getByRole('textbox', { name: 'Name of entities gate' });
    await entry.fill('two words');
    await entry.press('Enter');
    await page.getByText('"two-words" could be its name').waitFor();
    await entry.fill('front-door');
    await entry.press('Enter');
    await page.getByRole('textbox', { name: 'Name of entities front-door' }).waitFor();
    await text.getByText('front-door').first().waitFor();
    await problems.getByText('No problem found').waitFor();

    // Any value: a word by the enter key, and a list on lines of its own.
    await node(page, 'site').click();
    const any = page.getByRole('textbox', { name: 'value', exact: true });
    await any.fill('oslo');
    await any.press('Enter');
    await text.getByText('oslo').first().waitFor();
    await any.fill('[ oslo, 7 ]');
    await any.press('Enter');
    await expect.poll(() => any.evaluate(({ tagName }) => tagName)).toBe('TEXTAREA');
    await problems.getByText('No problem found').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
