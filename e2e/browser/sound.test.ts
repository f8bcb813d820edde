import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipelineSchema, type ReleaseView } from '@starling/shared';
import { type BrowserContext, chromium as launcher, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { seriousFindings } from '../dashboard/open-browser.ts';
import { buildRunPage } from '../demo/pages.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { writeWave } from '../harness/wave-file.ts';
import { composeScene } from '../recipes/speech.ts';
import { voiceModel, voicePipelineFile } from '../recipes/voice-activity.ts';
import { BY_CLOCK, newRunLink, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
const TALKING = 'A tab that talks';
const { audio } = composeScene();

describeWith(['chromium'], 'what a browser hears', ({ chromium }) => {
  let fleet: RunningFleet;
  let folder: string;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    const release = await publishVoice(fleet);
    folder = await mkdtemp(join(tmpdir(), 'starling-sound-'));
    const heard = join(folder, 'room.wav');
    await writeFile(heard, writeWave(audio));
    context = await launcher.launchPersistentContext(join(folder, 'profile'), {
      executablePath: chromium,
      // Else nothing is heard of a tab that is shared either.
      ignoreDefaultArgs: ['--mute-audio'],
      args: [
        ...['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${heard}`],
        ...[`--auto-select-tab-capture-source-by-title=${TALKING}`, '--autoplay-policy=no-user-gesture-required'],
      ],
      permissions: ['microphone'],
    });
    const talking = await context.newPage();
    const sound = `data:audio/wav;base64,${writeWave(audio).toString('base64')}`;
    await talking.setContent(`<title>${TALKING}</title><audio src="${sound}" autoplay loop></audio>`);
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(await newRunLink(fleet, release));
    await untilRuns(page);
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      const list = document.querySelector('#readings');
      if (list === null) return;
      new MutationObserver(() => seen.push(list.textContent ?? '')).observe(list, { childList: true });
    });
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await context?.close();
    await fleet?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const said = (): Promise<string[]> => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen.splice(0));
  const has = (word: string) =>
    page.waitForFunction((text) => document.querySelector('#readings')?.textContent?.includes(text), word, BY_CLOCK);

  test('offers what a pipeline of sound takes, and nothing that it does not', async () => {
    await page.getByRole('button', { name: 'Start microphone' }).waitFor();
    expect(await page.getByRole('button', { name: 'Start camera' }).isVisible()).toBe(false);
    expect(await page.locator('#empty').textContent()).toContain('microphone');
    expect(await seriousFindings(page)).toEqual([]);
  });

  test('a sound file, in which it finds speech where it is', async () => {
    await said();
    const name = 'scene.wav';
    await page.locator('#files').setInputFiles({ name, mimeType: 'audio/wav', buffer: writeWave(audio) });
    await page.waitForFunction((file) => document.querySelector('#picture')?.getAttribute('data-read') === file, name, BY_CLOCK);
    // One line of readings for each chunk of 100 ms in which something changed.
    const lines = await said();
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.some((line) => /speech 9\d %|speech 100 %/.test(line))).toBe(true);
    expect(lines.some((line) => /-\d+ dB/.test(line))).toBe(true);
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe(`How loud ${name} is`);
  });

  test('a microphone, until it is stopped', async () => {
    await page.getByRole('button', { name: 'Start microphone' }).click();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await has('speech');
    await has('silence');
    await has('speech');
    await page.locator('#rate', { hasText: '/s' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.locator('#rate', { hasText: '–' }).waitFor();
    await page.getByRole('button', { name: 'Start microphone' }).waitFor();
  });

  test('another microphone, when it is chosen', async () => {
    await page.getByRole('button', { name: 'Start microphone' }).click();
    const list = page.getByLabel('Microphone', { exact: true });
    await list.waitFor();
    const offered = await list.locator('option').evaluateAll((options) => options.map((each) => (each as HTMLOptionElement).value));
    expect(offered.length).toBeGreaterThan(1);
    expect(offered).not.toContain('default');
    const other = offered.find((each) => each !== '' && each !== undefined);
    const wanted = (await list.inputValue()) === other ? offered.at(-1) : other;
    await list.selectOption(wanted ?? expect.unreachable());
    // The list shows the one that really runs.
    await expect.poll(() => list.inputValue()).toBe(wanted);
    await has('speech');
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Stop' }).click();
  });

  test('a tab that is shared with its sound', async () => {
    await page.getByRole('button', { name: 'Share screen' }).click();
    await page.getByRole('img', { name: 'How loud the screen is' }).waitFor();
    await has('speech');
    await has('silence');
    await has('speech');
    await page.getByRole('button', { name: 'Stop' }).click();
  });

  test('says that a file holds no sound', async () => {
    await page.locator('#files').setInputFiles({ name: 'noise.mp3', mimeType: 'audio/mpeg', buffer: Buffer.alloc(500, 7) });
    await page.getByText('noise.mp3: this browser finds no sound in it').waitFor();
    expect(complaints).toEqual([]);
  });
});

async function publishVoice(fleet: RunningFleet): Promise<ReleaseView> {
  const model = await fleet.operator.pushModel(voiceModel);
  await fleet.operator.waitForBuilds(model.digest);
  const pipeline = pipelineSchema.parse(parse(readFileSync(voicePipelineFile, 'utf8')));
  await fleet.operator.pushPipeline(pipeline);
  return fleet.operator.createRelease({
    name: 'voice-activity-1',
    pipeline: pipeline.name,
    policies: {
      egress: { outputs: Object.keys(pipeline.outputs), edges: [], sinks: [] },
      ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
    },
  });
}
