import { readFile } from 'node:fs/promises';
import { api, type PipelineView, type ReleaseView } from '@starling/shared';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildDashboard } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { findBoxes, mapModel, publishMapRelease } from '../harness/small-models.ts';
import { launchChromium, modes, openPage, seriousFindings, settle, signIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'pipelines in the dashboard', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let pipeline: PipelineView;
  let release: ReleaseView;
  let device: string;
  let push: () => Promise<void>;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startRunningFleet();
    await publishMapRelease(fleet, mapModel(1, { width: 8, layers: 1 }), 0);
    [pipeline] = (await fleet.client.call(api.listPipelines, { query: { limit: 1 } })).items as [PipelineView];
    const egress = { outputs: ['boxes'], edges: ['decode.image', 'normalise.tensor', 'map.y'], sinks: [] };
    release = await fleet.operator.createRelease({
      ...{ name: 'watched', pipeline: `${findBoxes.name}@${findBoxes.version}` },
      policies: { egress, capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
    });
    const agent = await fleet.startAgent('agent', { release });
    device = agent.ready.device;
    await fleet.untilRunning(device, release, SETUP_TIMEOUT_MS);
    const image = new Uint8Array(await paintPlain(200, 10, 10, 64));
    push = async () => {
      const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: image });
      expect(answer.status).toBe(200);
    };
    browser = await launchChromium(chromium);
    const { page, close } = await openPage(browser, { viewport: WIDE });
    await page.goto(fleet.baseUrl);
    await signIn(page, fleet.login);
    storageState = await page.context().storageState();
    await close();
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const open = async (path: string): Promise<Awaited<ReturnType<typeof openPage>>> => {
    const opened = await openPage(browser, { storageState, viewport: WIDE, acceptDownloads: true });
    await opened.page.goto(`${fleet.baseUrl}${path}`);
    await settle(opened.page);
    return opened;
  };
  const node = (page: Page, name: string) => page.locator(`.react-flow__node[data-node="${name}"]`);

  test.each(modes)('their pages keep within the window, and give axe nothing serious: $name', async ({ colorScheme, viewport, way }) => {
    const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
    const paths = [
      `/pipelines/${pipeline.digest}`,
      '/pipelines/new',
      `/pipelines/new?from=${pipeline.digest}`,
      `/devices/${device}?tab=graph`,
    ];
    expect(await tour(page, fleet.baseUrl, paths, way)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a pipeline is drawn with every node and edge, said in words, and walked through by arrow keys', async () => {
    const { page, complaints, close } = await open(`/pipelines/${pipeline.digest}`);
    await expect.poll(() => page.locator('.react-flow__node').count()).toBe(7);
    // Lines are drawn one render after their nodes, once the places of ports are known.
    await expect.poll(() => page.locator('.react-flow__edge').count()).toBe(findBoxes.edges.length);
    await page.getByRole('application', { name: 'Graph of find-boxes with 7 nodes and 7 edges, listed on this page' }).waitFor();
    const map = page.getByRole('group', { name: 'map: model map; takes x from normalise; gives y to boxes' });
    await map.waitFor();

    // One node is a stop of the tab key; the arrows lead on from there.
    await node(page, 'input').focus();
    const reached: (string | null)[] = [];
    for (let press = 0; press < 6; press += 1) {
      await page.keyboard.press('ArrowDown');
      reached.push(await page.evaluate(() => document.activeElement?.getAttribute('data-node') ?? null));
    }
    expect(reached).toEqual(['decode', 'resize', 'normalise', 'map', 'boxes', 'output']);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'boxes', level: 3 }).waitFor();

    const edges = page.getByRole('region', { name: 'Edges' }).getByRole('row');
    expect(await edges.filter({ hasText: 'map.y' }).textContent()).toContain('tensor<float32,[1,1,h,w]>');
    expect(complaints).toEqual([]);
    await close();
  });

  test('nodes are moved by the pointer and by keys, stay where they were put, and are laid out again', async () => {
    const { page, complaints, close } = await open(`/pipelines/${pipeline.digest}`);
    const corner = async (name: string) => {
      const transform = await node(page, name).evaluate((element) => getComputedStyle(element).transform);
      const [x = 0, y = 0] =
        transform
          .match(/-?[\d.]+/g)
          ?.slice(4)
          .map(Number) ?? [];
      return { x: Math.round(x), y: Math.round(y) };
    };
    const before = await corner('map');
    const box = await node(page, 'map').boundingBox();
    if (box === null) throw new Error('the node map is not drawn');
    await page.mouse.move(box.x + box.width / 2, box.y + 14);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 120, box.y + 44, { steps: 8 });
    await page.mouse.up();
    // The first step only begins the drag; the last one is drawn after the button is up.
    const zoom = await page.locator('.react-flow__viewport').evaluate((element) => new DOMMatrix(getComputedStyle(element).transform).a);
    await expect.poll(async () => (await corner('map')).x).toBeGreaterThan(before.x + 100 / zoom);
    const dragged = await corner('map');
    expect(dragged.y).toBeGreaterThan(before.y + 10);

    await node(page, 'decode').focus();
    const decode = await corner('decode');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowDown');
    await expect.poll(() => corner('decode')).toEqual({ x: decode.x + 22, y: decode.y + 22 });
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-node'))).toBe('resize');

    await page.goto(`${fleet.baseUrl}/devices/${device}?tab=graph`);
    await settle(page);
    await node(page, 'map').waitFor();
    // Lines come once the nodes between them are measured.
    await expect.poll(() => page.locator('.react-flow__edge').count()).toBe(findBoxes.edges.length);
    expect([await corner('map'), await corner('decode')]).toEqual([dragged, { x: decode.x + 22, y: decode.y + 22 }]);
    await page.getByRole('button', { name: 'Lay out again' }).click();
    await page.getByRole('button', { name: 'Lay out again' }).waitFor({ state: 'detached' });
    // The button goes in one render, the nodes follow in the next.
    await expect.poll(async () => (await corner('map')).x).not.toBe(dragged.x);
    expect(await page.evaluate(() => localStorage.getItem('starling-layout find-boxes'))).toBeNull();
    expect(complaints).toEqual([]);
    await close();
  });

  test('a mistake is said as one types, on the line and on the node, and is mended in the form; undo brings it back', async () => {
    const { page, complaints, close } = await open(`/pipelines/new?from=${pipeline.digest}`);
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems.getByText('No problem found').waitFor();
    const editor = page.getByRole('textbox', { name: 'Pipeline as YAML' });
    await editor.getByText('longestSide').dblclick();
    // In one: of what is typed slowly, undo takes back the last part.
    await page.keyboard.insertText('longestSid');
    await problems.getByText('1 problem', { exact: true }).waitFor();
    await page.locator('.cm-lintRange-error').first().waitFor();
    await page.getByRole('group', { name: /^resize: .*problem: / }).waitFor();
    // From the list to the line.
    await problems.getByRole('button').first().click();
    await expect.poll(() => page.evaluate(() => getSelection()?.toString())).toContain('longestSid');
    expect(await seriousFindings(page)).toEqual([]);

    await page.keyboard.press('Control+z');
    await problems.getByText('No problem found').waitFor();
    // Between two keys the text is often no YAML: the drawing stays, and waits.
    await editor.getByText('longestSide').click();
    await page.keyboard.type('{');
    await page.getByText('The text cannot be read now').waitFor();
    await node(page, 'resize').waitFor();
    expect(await page.getByRole('button', { name: 'Add a node' }).isDisabled()).toBe(true);
    await page.keyboard.press('Backspace');
    await problems.getByText('No problem found').waitFor();
    await node(page, 'resize').click();
    const side = page.getByRole('textbox', { name: 'longestSide' });
    await side.fill('64');
    await side.press('Enter');
    await editor.getByText('64').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => side.inputValue()).toBe('32');
    await page.getByRole('button', { name: 'Redo' }).click();
    await expect.poll(() => side.inputValue()).toBe('64');
    expect(complaints).toEqual([]);
    await close();
  });

  test('parameters, monitors and triggers are set in forms, checked as one types, and stand in the text', async () => {
    const { page, complaints, close } = await open(`/pipelines/new?from=${pipeline.digest}`);
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems.getByText('No problem found').waitFor();
    const text = page.getByRole('textbox', { name: 'Pipeline as YAML' });

    const added = page.getByRole('textbox', { name: 'Name of a new parameter' });
    await added.fill('two words');
    await page.getByText('"two-words" could be its name').waitFor();
    await added.fill('side');
    await page.getByRole('button', { name: 'Add parameter' }).click();
    const parameter = page.getByRole('group', { name: 'parameter side' });
    await parameter.getByRole('combobox', { name: 'Type' }).click();
    await page.getByRole('option', { name: 'number' }).click();
    // Only a number has bounds.
    await parameter.getByRole('textbox', { name: 'Least' }).waitFor();
    await parameter.getByRole('textbox', { name: 'Default' }).fill('48');
    await parameter.getByRole('textbox', { name: 'Default' }).press('Enter');
    await text.getByText('48').first().waitFor();

    await page.getByRole('textbox', { name: 'Name of a new monitor' }).fill('light');
    await page.getByRole('button', { name: 'Add monitor' }).click();
    const monitor = page.getByRole('group', { name: 'monitor light' });
    await monitor.getByRole('combobox', { name: 'Port' }).click();
    await page.getByRole('option', { name: 'decode.image' }).click();
    await problems
      .getByText(/problem/)
      .first()
      .waitFor();
    await monitor.getByRole('combobox', { name: 'Measure' }).click();
    await page.getByRole('option', { name: 'brightness' }).click();
    const bins = monitor.getByRole('textbox', { name: 'Bins' });
    await bins.fill('80, 40');
    await bins.press('Enter');
    await monitor.getByText(/ascending numbers/).waitFor();
    await bins.fill('40, 80, 160');
    await bins.press('Enter');
    await expect.poll(() => bins.inputValue()).toBe('40, 80, 160');

    await node(page, 'resize').click();
    await page.getByText('How it runs').click();
    await page.getByRole('combobox', { name: 'Triggers' }).click();
    await page.getByRole('option', { name: 'input.image' }).click();
    await page.keyboard.press('Escape');
    await text.getByText('triggers').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('a node is added from the palette and connected by hand; a line that fits no type is refused with the reason', async () => {
    const { page, complaints, close } = await open('/pipelines/new');
    await page.getByRole('button', { name: 'Add a node' }).click();
    await page.getByRole('searchbox', { name: /^Search/ }).fill('image.to-tensor');
    await page.getByRole('button', { name: /^image\.to-tensor/ }).click();
    await node(page, 'to-tensor').waitFor();
    await page.getByRole('region', { name: 'Problems' }).getByText('input "image" of to-tensor is not connected').waitFor();

    const handle = (name: string, side: 'in' | 'out', port: string) => node(page, name).locator(`[data-handleid="${side} ${port}"]`);
    const drag = async (
      from: ReturnType<typeof handle>,
      to: ReturnType<typeof handle>,
      whileOver: () => Promise<unknown>,
    ): Promise<void> => {
      await from.hover();
      await page.mouse.down();
      await to.hover();
      await to.hover({ position: { x: 4, y: 4 } });
      await whileOver();
      await page.mouse.up();
    };
    await drag(handle('input', 'out', 'image'), handle('to-tensor', 'in', 'image'), () =>
      page.getByRole('status').filter({ hasText: 'encoded-image does not fit image' }).waitFor(),
    );
    await expect.poll(() => page.locator('.react-flow__edge').count()).toBe(2);
    await drag(handle('decode', 'out', 'image'), handle('to-tensor', 'in', 'image'), () => Promise.resolve());
    await page.getByText('{ from: decode.image, to: to-tensor.image }').waitFor();

    // What the mouse does, a field does too.
    const feeder = page.getByRole('combobox', { name: 'Input image' });
    await node(page, 'to-tensor').click();
    await expect.poll(() => feeder.inputValue()).toBe('decode.image');
    await node(page, 'to-tensor').press('Delete');
    await node(page, 'to-tensor').waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Problems' }).getByText('No problem found').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('what was edited is saved as a file, signed where the key is, and registered', async () => {
    const { page, complaints, close } = await open(`/pipelines/new?from=${pipeline.digest}`);
    await page.getByRole('textbox', { name: 'Name', exact: true }).waitFor();
    await node(page, 'decode').click();
    const name = page.getByRole('textbox', { name: 'Name', exact: true });
    await name.fill('open');
    await name.press('Enter');
    await node(page, 'open').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('starling pipeline push find-boxes.yaml').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save find-boxes.yaml' }).click();
    const saved = parse(await readFile(await (await download).path(), 'utf8')) as typeof findBoxes;
    expect(saved).toMatchObject({
      name: 'find-boxes',
      version: '1.1.0',
      edges: expect.arrayContaining([{ from: 'open.image', to: 'boxes.source' }]),
    });

    const view = await fleet.operator.pushPipeline({ ...saved, kind: 'pipeline', schemaVersion: 1 });
    expect(view.document.nodes).toHaveProperty('open');
    // Versions never change: the next one is another.
    await page.getByText('This version exists').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('the graph of a device shows what runs, and an edge is watched: pictures, tensors as heat maps, and why not where the policy says no', async () => {
    const { page, complaints, close } = await open(`/devices/${device}?tab=graph`);
    await push();
    await page.getByRole('group', { name: /^map: .*runs, .* each/ }).waitFor();
    await page
      .getByRole('region', { name: 'Where the time goes' })
      .getByRole('row', { name: /^normalise/ })
      .waitFor();

    const watch = async (name: string): Promise<void> => {
      await page.getByRole('group', { name: new RegExp(`^${name}; `) }).press('Enter');
      await page.getByRole('button', { name: 'Watch' }).click();
      await page.getByText('live', { exact: true }).nth(1).waitFor();
    };
    // Items go on coming, as from a camera: a watch shows those from when it has begun.
    const seen = async (value: Locator): Promise<void> => {
      await expect
        .poll(
          async () => {
            await push();
            return value.isVisible();
          },
          { timeout: 30_000, interval: 500 },
        )
        .toBe(true);
    };
    await watch('map\\.y to boxes\\.map');
    await seen(page.getByRole('img', { name: /^map\.y: heat map; .* mean / }));
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await expect.poll(async () => (await fleet.client.call(api.listTaps, { params: { id: device } })).items).toEqual([]);

    await watch('decode\\.image to resize\\.image');
    await seen(page.getByAltText('decode.image'));
    // Another edge ends the tap before.
    await page.getByRole('group', { name: /^resize\.image to normalise\.image; / }).press('Enter');
    await page.getByText('Its values stay on the device').waitFor();
    await page.getByText('--allow-edge resize.image').waitFor();
    await expect.poll(async () => (await fleet.client.call(api.listTaps, { params: { id: device } })).items).toEqual([]);
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('an item is replayed and gone through node by node', async () => {
    const { page, complaints, close } = await open(`/devices/${device}?tab=graph`);
    const buffer = Buffer.from(await paintPlain(10, 200, 10, 48));
    await page.getByLabel('Input to replay').setInputFiles({ name: 'plain.png', mimeType: 'image/png', buffer });
    const steps = page.getByRole('region', { name: 'Steps of the replay' });
    await steps.getByText('Step 1 of 7: input').waitFor();
    await steps.getByText('is kept on the device by the policy of the release').first().waitFor();
    await steps.getByRole('button', { name: 'Next' }).click();
    await steps.getByText('Step 2 of 7: decode').waitFor();
    await steps.getByAltText('decode.image').waitFor();
    expect(await node(page, 'decode').getAttribute('class')).toContain('selected');
    for (let press = 0; press < 3; press += 1) await steps.getByRole('button', { name: 'Next' }).click();
    await steps.getByText('Step 5 of 7: map').waitFor();
    await steps.getByRole('img', { name: /^normalise\.tensor: heat map/ }).waitFor();
    await steps.getByRole('img', { name: /^map\.y: heat map/ }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
