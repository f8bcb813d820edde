import type { PipelineInput, PipelineView } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { launchChromium, openPage, PHONE, seriousFindings, settle, signedIn, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

/** Takes numbers over HTTP, and no pictures; a device may set one of its parameters. */
const numbers: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'numbers', version: '1.0.0' },
  outputs: { y: 'json' },
  parameters: { factor: { default: 2, minimum: 0, maximum: 9 }, offset: { default: 0, overridable: 'device' } },
  nodes: {
    in: { source: 'http', params: { accepts: ['json'], wait: true } },
    times: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x * ${factor} + ${offset}' } },
  },
  edges: [
    { from: 'in.json', to: 'times.value' },
    { from: 'times.value', to: 'output.y' },
  ],
};

/** So many nodes that a phone shows them from afar, one of them an inner pipeline. */
const nested: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'nested', version: '1.0.0' },
  ...{ inputs: { image: 'encoded-image' }, outputs: { image: 'image' } },
  nodes: {
    decode: { op: 'image.decode' },
    inner: { pipeline: 'shrink' },
    ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`n${index}`, { op: 'image.fit', params: { width: 64, height: 64 } }])),
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'inner.image' },
    { from: 'inner.image', to: 'n0.image' },
    ...Array.from({ length: 8 }, (_, index) => ({ from: `n${index}.image`, to: `n${index + 1}.image` })),
    { from: 'n8.image', to: 'output.image' },
  ],
  pipelines: {
    shrink: {
      ...{ inputs: { image: 'image' }, outputs: { image: 'image' } },
      nodes: { small: { op: 'image.fit', params: { width: 32, height: 32 } } },
      edges: [
        { from: 'input.image', to: 'small.image' },
        { from: 'small.image', to: 'output.image' },
      ],
    },
  },
};

describeWith(['chromium'], 'pipelines and their values in the dashboard', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let view: PipelineView;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startRunningFleet();
    view = await fleet.operator.pushPipeline(numbers);
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const open = async (path: string, viewport = WIDE): Promise<Awaited<ReturnType<typeof openPage>>> => {
    const opened = await openPage(browser, { storageState, viewport });
    await opened.page.goto(`${fleet.baseUrl}${path}`);
    await settle(opened.page);
    return opened;
  };
  const node = (page: Page, name: string) => page.locator(`.react-flow__node[data-node="${name}"]`);

  test('a number out of its bounds is said while it is typed', async () => {
    const { page, complaints, close } = await open(`/pipelines/new?from=${view.digest}`);
    await page.getByRole('region', { name: 'Problems' }).getByText('No problem found').waitFor();
    const parameter = page.getByRole('group', { name: 'parameter factor' });
    const usual = parameter.getByRole('textbox', { name: 'Default' });
    await usual.fill('12');
    await parameter.getByText('the default is at most 9, not 12').waitFor();
    await usual.fill('7');
    await parameter.getByText('the default is at most').waitFor({ state: 'detached' });
    await parameter.getByRole('textbox', { name: 'Least' }).fill('20');
    await parameter.getByText('the minimum is above the maximum').waitFor();

    await page.goto(`${fleet.baseUrl}/pipelines/new`);
    await settle(page);
    await page.getByRole('button', { name: 'Add a node' }).click();
    await page.getByRole('searchbox', { name: /^Search/ }).fill('flow.window');
    await page.getByRole('button', { name: /^flow\.window/ }).click();
    await page.getByRole('textbox', { name: 'count' }).fill('0');
    await page.getByText('has to be at least 1').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('a new version says that comments are not in it, and goes on with the file where there is one', async () => {
    const { page, complaints, close } = await open(`/pipelines/new?from=${view.digest}`);
    await page.getByText('Without the comments of the file').waitFor();
    const file =
      '# Why it multiplies.\nname: numbers\nversion: 1.1.0\ninputs: { image: encoded-image }\noutputs: {}\nnodes: {}\nedges: []\n';
    await page.locator('input[type=file]').setInputFiles({ name: 'numbers.yaml', mimeType: 'application/yaml', buffer: Buffer.from(file) });
    await page.getByRole('textbox', { name: 'Pipeline as YAML' }).getByText('# Why it multiplies.').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto(`${fleet.baseUrl}/pipelines/new`);
    await settle(page);
    expect(await page.getByText('Without the comments of the file').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  test('on a phone the form of what was chosen is one touch away', async () => {
    const { page, complaints, close } = await open('/pipelines/new', PHONE);
    const details = page.getByRole('region', { name: 'Details' });
    await node(page, 'decode').click();
    expect(await details.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Edit decode' }).click();
    await details.getByRole('textbox', { name: 'Name' }).waitFor();
    expect((await details.boundingBox())?.y).toBeLessThan(PHONE.height / 2);
    expect(await node(page, 'decode').isVisible()).toBe(false);
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByText('Graph', { exact: true }).click();
    await node(page, 'decode').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('an inner pipeline is opened from afar, too', async () => {
    const { digest } = await fleet.operator.pushPipeline(nested);
    const { page, complaints, close } = await open(`/pipelines/${digest}`, PHONE);
    await page.locator('[data-far]').waitFor();
    const button = page.getByRole('button', { name: 'Open inner' });
    const box = await button.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(20);
    await button.click();
    await node(page, 'inner/small').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('a device shows the values that run and who has set each, and offers no image to what takes none', async () => {
    const release = await fleet.operator.createRelease({ name: 'numbers-1', pipeline: 'numbers', parameters: { factor: 3 } });
    const agent = await fleet.startAgent('agent', { release, flags: { set: 'offset=100' } });
    await fleet.untilRunning(agent.ready.device, release, SETUP_TIMEOUT_MS);
    const { page, complaints, close } = await open(`/devices/${agent.ready.device}`);
    await page.getByText('numbers takes no image: its items come from sources of its own.').waitFor();
    expect(await page.getByRole('button', { name: 'Choose an image' }).count()).toBe(0);
    const parameters = page.getByRole('region', { name: 'Parameters' }).first();
    await parameters.getByRole('row', { name: 'numbers factor 3 the release' }).waitFor();
    await parameters.getByRole('row', { name: 'numbers offset 100 this device' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
