import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, buildRecipeSchema } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { describeWith } from '../harness/requires.ts';
import { type MeasuredFleet, startMeasuredFleet, tensorFile } from './measured-fleet.ts';
import { dropFiles, launchChromium, modes, openPage, seriousFindings, settle, signIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;
const TOUR_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'artefacts in the dashboard', ({ chromium }) => {
  let fleet: MeasuredFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startMeasuredFleet();
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

  const open = async (path: string) => {
    const opened = await openPage(browser, { storageState, viewport: WIDE });
    await opened.page.goto(`${fleet.baseUrl}${path}`);
    await settle(opened.page);
    return opened;
  };
  /** Cells of a table, row by row, without its head. */
  const cellsOf = async (page: Page, label: string): Promise<string[][]> => {
    const rows = page.getByRole('group', { name: label, exact: true }).locator('tbody tr');
    await rows.first().waitFor();
    return Promise.all((await rows.all()).map(async (row) => row.locator('th, td').allInnerTexts()));
  };
  /** @param label how the name of its recipe starts */
  const digestOf = (label: string): string => {
    const found = fleet.model.artefacts.find(({ optimisation }) => optimisation.startsWith(label));
    if (found === undefined) throw new Error(`nothing was built as ${label}`);
    return found.digest;
  };

  const paths = (): string[] => {
    const model = `/models/${fleet.model.digest}`;
    return [
      ...[model, `${model}?tab=devices`, `${model}?tab=layers`, `${model}?tab=lineage`, `${model}?tab=card`],
      `${model}?artefact=${digestOf('weights-int8')}`,
      ...[
        '/releases',
        `/releases/${fleet.release.digest}`,
        `/devices/${fleet.agent}`,
        '/builds',
        `/builds?build=${fleet.model.builds[0]?.id}`,
      ],
    ];
  };

  test.each(modes)(
    'every page keeps within the window, complains of nothing, and gives axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      expect(await tour(page, fleet.baseUrl, paths(), way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
    TOUR_TIMEOUT_MS,
  );

  test('a model shows its artefacts with size, accuracy and needs, and all about one of them', async () => {
    const { page, close } = await open(`/models/${fleet.model.digest}`);
    const rows = await cellsOf(page, 'Artefacts');
    expect(rows).toHaveLength(fleet.model.artefacts.length);
    const [name = '', size = '', accuracy = '', similarity = ''] = rows.find(([first]) => first?.startsWith('int8, static, for Arm')) ?? [];
    expect(name).toContain('tensors quantised');
    expect(size).toMatch(/kB[\s\S]*%/);
    expect(accuracy).toMatch(/95 %[\s\S]*similarity of the answers, 6 samples/);
    expect(similarity).toMatch(/ dB$/);
    await page.getByRole('button', { name: 'Details of int8, static, for Arm' }).click();
    const drawer = page.getByRole('dialog', { name: 'int8, static, for Arm' });
    const materials = drawer.getByRole('group', { name: 'Bill of materials' });
    for (const role of ['source', 'calibration', 'evaluation', 'golden'])
      await materials.getByRole('cell', { name: role }).first().waitFor();
    await drawer.getByText('onnxruntime-node').waitFor();
    expect(new URL(page.url()).searchParams.get('artefact')).toContain(digestOf('static-int8-arm').slice(0, 8));
    await close();
  });

  test('the table behind the plot says which trade-offs are the best, by what devices measured', async () => {
    const { page, close } = await open(`/models/${fleet.model.digest}`);
    const bySize = await cellsOf(page, 'Trade-offs');
    const smallest = bySize.filter((cells) => cells.includes('best trade-off')).map(([, name]) => name);
    // Static int8 of every target is smaller than int8 weights, and loses no digit of these few.
    expect(smallest).toContain('int8, static, for Arm');
    expect(smallest.filter((name) => !name?.startsWith('int8, static'))).toEqual([]);
    await page.getByRole('combobox', { name: 'Costs' }).selectOption('latency');
    const byLatency = await cellsOf(page, 'Trade-offs');
    expect(byLatency.every(([, , latency, , origin]) => latency?.endsWith(' ms') && origin === 'measured')).toBe(true);
    await page.getByRole('combobox', { name: 'Loses' }).selectOption('similarity');
    const bySimilarity = await cellsOf(page, 'Trade-offs');
    expect(bySimilarity.filter((cells) => cells.includes('best trade-off')).length).toBeGreaterThan(1);
    expect(await page.locator('svg [data-front]').count()).toBe(bySimilarity.filter((cells) => cells.includes('best trade-off')).length);
    await close();
  });

  test('what devices measured stands by profile, and who falls out of its class is named', async () => {
    const { page, close } = await open(`/models/${fleet.model.digest}?tab=devices`);
    const fastest = (await cellsOf(page, 'Artefacts by profile')).filter((cells) => cells.some((cell) => cell.includes('fastest')));
    expect(fastest.map(([name]) => name)).toEqual(['int8 weights']);
    await page.getByRole('group', { name: 'Devices out of their class' }).getByRole('link', { name: fleet.slow.name }).click();
    await page.waitForURL(({ pathname }) => pathname === `/devices/${fleet.slow.id}`);
    await close();
  });

  test('another build is asked for by a recipe, and followed to its end with its log', async () => {
    const { page, close } = await open(`/models/${fleet.model.digest}`);
    await page.getByRole('button', { name: 'Build another' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Method' }).selectOption('optimised');
    await dialog.getByRole('textbox', { name: 'Fixed shape of x' }).fill('1 x 3 x wide');
    await dialog.getByRole('button', { name: 'Build', exact: true }).click();
    await dialog.getByRole('alert').filter({ hasText: 'is no shape' }).waitFor();
    await dialog.getByRole('textbox', { name: 'Fixed shape of x' }).fill('1 x 3 x 32 x 32');
    await dialog.getByRole('button', { name: 'Build', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });

    await page.getByRole('link', { name: 'Its builds' }).click();
    const row = page.getByRole('row').filter({ hasText: 'fp32, simpler graph, fixed shapes' });
    await row.getByText('done', { exact: true }).waitFor({ timeout: 120_000 });
    await row.getByRole('button', { name: /^Log of map/ }).click();
    const drawer = page.getByRole('dialog', { name: 'Build of map 1.0.0' });
    await drawer.getByRole('log').getByText('recipe optimised-fixed').waitFor();
    await drawer.getByText('x 1 × 3 × 32 × 32').waitFor();
    await close();
  });

  test('the overview names who could run something better, and one device is given it alone', async () => {
    const { page, close } = await open('/');
    const better = page.getByRole('region', { name: '2 devices could run something better' });
    const row = better.getByRole('row').filter({ hasText: fleet.yard.name });
    await row.getByRole('cell', { name: /^weights-int8, / }).waitFor();
    await row.getByText('least latency on').waitFor();
    const before = (await fleet.device(fleet.agent)).desired?.generation;
    await row.getByRole('button', { name: `Apply to ${fleet.yard.name}, map` }).click();
    const rest = page.getByRole('region', { name: 'One device could run something better' });
    await rest.getByRole('button', { name: 'Apply all' }).waitFor();
    expect(await rest.getByRole('row').filter({ hasText: fleet.yard.name }).count()).toBe(0);
    const { desired } = await fleet.device(fleet.yard.id);
    expect([desired?.generation, desired?.choices.map?.artefact]).toEqual([2, digestOf('weights-int8')]);
    expect((await fleet.device(fleet.agent)).desired?.generation).toBe(before);
    expect(await seriousFindings(page)).toEqual([]);
    await close();
  });

  test('another objective shows what it would change before it is set, and proposals are applied', async () => {
    const { page, close } = await open(`/releases/${fleet.release.digest}`);
    await page.getByRole('button', { name: 'Change the objective' }).click();
    const preview = page.getByRole('region', { name: 'What it would change' });
    await preview.getByText('One choice would be another').waitFor();
    const form = page.getByRole('form', { name: 'Objective' });
    await form.getByRole('combobox', { name: 'The least' }).selectOption('memory');
    await form.getByRole('textbox', { name: 'Latency at most, p95 in ms' }).fill('none');
    await form.getByRole('alert').waitFor();
    await form.getByRole('textbox', { name: 'Latency at most, p95 in ms' }).fill('80');
    await expect.poll(() => preview.getByRole('status').textContent()).toMatch(/choice/);
    expect(await seriousFindings(page)).toEqual([]);
    await form.getByRole('button', { name: 'Set the objective' }).click();
    await page.getByText('Least memory; at most 1 point of accuracy lost; p95 under 80 ms').waitFor();
    await page.getByText('Stated by').waitFor();
    await page.getByRole('button', { name: 'Change the objective' }).click();
    await page.getByRole('button', { name: 'Back to that of the release' }).click();
    await page.getByText('Least latency; at most 1 point of accuracy lost').waitFor();

    await page.goto(`${fleet.baseUrl}/releases`);
    const proposals = page.getByRole('region', { name: 'Proposals' });
    await proposals.getByRole('cell', { name: /^weights-int8, / }).waitFor();
    await proposals.getByRole('button', { name: 'Apply all' }).click();
    await proposals.getByText('Nothing to change').waitFor();
    await close();
  });

  test('a version is drafted with samples that are packed as the command line packs them', async () => {
    const folder = join(fleet.folder, 'samples');
    await mkdir(folder, { recursive: true });
    for (let index = 0; index < 6; index += 1) await writeFile(join(folder, `${index}.npy`), tensorFile(index));
    const { page, close } = await open('/models');
    await page.getByRole('button', { name: 'Add a version' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a model version' });
    const chooser = page.waitForEvent('filechooser');
    await dialog.getByRole('button', { name: 'ONNX file' }).click();
    await (await chooser).setFiles(join(fleet.folder, 'map.onnx'));
    await dialog.getByLabel('Calibration samples, folder').setInputFiles(folder);
    await dialog.getByText('6 files').waitFor();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('drafted');
    await dialog.getByRole('textbox', { name: 'Title' }).fill('Drafted');
    await dialog.getByRole('textbox', { name: 'Licence' }).fill('Apache-2.0');
    await dialog.getByRole('textbox', { name: 'Pipeline', exact: true }).fill('{');
    await dialog.getByRole('button', { name: 'Check the file' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'neither YAML nor JSON' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('textbox', { name: 'Pipeline', exact: true }).fill('');
    const drafting = page.waitForRequest((request) => request.url().endsWith('/models/draft'));
    await dialog.getByRole('button', { name: 'Check the file' }).click();
    const { datasets } = (await drafting).postDataJSON() as { datasets: { calibration: { digest: string } } };
    expect(datasets.calibration.digest).toBe(fleet.model.document.datasets?.calibration?.digest);
    await dialog.getByText('--calibration calibration/').waitFor();
    await close();
  });

  test('samples are dropped: a folder with all that lies in it, an archive, a file that lies nowhere', async () => {
    const folder = join(fleet.folder, 'dropped');
    for (const inner of ['left', 'right']) {
      await mkdir(join(folder, inner), { recursive: true });
      for (let index = 0; index < 2; index += 1) await writeFile(join(folder, inner, `${index}.npy`), tensorFile(index));
    }
    const { page, close } = await open('/models');
    await page.getByRole('button', { name: 'Add a version' }).click();
    const area = page.getByRole('dialog', { name: 'Add a model version' }).getByRole('group', { name: 'Calibration samples' });
    await dropFiles(page, area, [folder]);
    await area.getByText('4 files').waitFor();
    await area.getByRole('button', { name: 'Leave out' }).click();
    await dropFiles(page, area, [join(fleet.folder, 'calibration.zip')]);
    await area.getByText('calibration.zip, ').waitFor();
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['numbers'], 'made-here.npy'));
      return data;
    });
    await area.dispatchEvent('drop', { dataTransfer: transfer });
    await area.getByText('made-here.npy, 7 B').waitFor();
    await close();
  });

  test('a device explains its choice: every candidate with figures, where they come from, and a verdict', async () => {
    const { page, close } = await open(`/devices/${fleet.agent}`);
    await page.getByRole('button', { name: 'artefacts compared' }).click();
    const rows = await cellsOf(page, 'Artefacts of map');
    const { artefacts } = await fleet.client.call(api.showModel, { params: { digest: fleet.model.digest } });
    expect(rows).toHaveLength(artefacts.length);
    const best = rows.find(([name]) => name?.includes('best now')) ?? [];
    expect(best[0]).toContain('weights-int8');
    expect(best[2]).toMatch(/ ms\s+measured on its like/);
    expect(rows.every(([, verdict]) => verdict !== '')).toBe(true);
    await page.getByText('Least latency; at most 1 point of accuracy lost').waitFor();
    await page.getByRole('button', { name: 'Measure the artefacts of map' }).click();
    await page
      .getByRole('status')
      .filter({ has: page.getByRole('progressbar', { name: 'Measurement of map' }) })
      .waitFor();
    await close();
  });

  test('a build is cancelled and started again from its row', async () => {
    const [params, words] = [{ digest: fleet.model.digest }, 'fp16, 60 % sparse'];
    // One builds at a time: the last of them waits.
    for (const sparsity of [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6])
      await fleet.client.call(api.addBuild, { params, body: { recipe: buildRecipeSchema.parse({ method: 'fp16', sparsity }) } });
    const { page, close } = await open(`/builds?model=${fleet.model.digest}`);
    const row = page.getByRole('row').filter({ hasText: words });
    await row.getByRole('button', { name: `Cancel the build of map 1.0.0, ${words}` }).click();
    await row.getByText('cancelled', { exact: true }).waitFor();
    await row.getByText(/^the build was cancelled by /).waitFor();
    await row.getByRole('button', { name: `Retry the build of map 1.0.0, ${words}` }).click();
    await row.getByText('done', { exact: true }).waitFor({ timeout: 120_000 });
    expect(await row.getByRole('button', { name: /^(Cancel|Retry) the build/ }).count()).toBe(0);
    await close();
  });
});
