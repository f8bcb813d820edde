import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type Reading, type ReleaseView, readingSchema } from '@starling/shared';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { buildRunPage } from '../demo/pages.ts';
import { readSigns } from '../demo/read-signs.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { scaled, testSeed } from '../harness/scale.ts';
import { writeScenes } from '../scenes/index.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, type RunPage, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 400_000;
const SCENES = 100;
const COMPARE_TIMEOUT_MS = 120_000 + scaled(SCENES) * 15_000;
/** Corners, in pixels: two engines differ in the seventh digit, and a box ends where a value passes a threshold. */
const CORNER_TOLERANCE = 0.01;
const CONFIDENCE_TOLERANCE = 1e-3;

describeWith(['chromium'], 'a browser and a device with Node on one fp32 artefact', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let release: ReleaseView;
  let tab: RunPage;
  let device: string;
  let node: string;

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({}, 'demo-sources');
    await fleet.operator.pushPipeline(readSigns);
    const policies = {
      egress: { outputs: ['readings'], edges: [], sinks: [] },
      ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
    };
    release = await fleet.operator.createRelease({ name: 'signs-1', pipeline: `${readSigns.name}@${readSigns.version}`, policies });
    const agent = await fleet.startAgent('node', { release });
    node = agent.ready.device;
    browser = await launchRunBrowser(chromium);
    tab = await openRunPage(browser, await newRunLink(fleet, release));
    await untilRuns(tab.page);
    device = await factOf(tab.page, 'Device');
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const readOn = async (id: string, picture: Buffer): Promise<Reading[]> => {
    const { result } = await fleet.client.call(api.inferOnDevice, { params: { id }, raw: picture });
    return z.array(readingSchema).parse(result.outputs.readings);
  };

  test(
    'read the same text in every scene, in the same places',
    async () => {
      const [onNode, inBrowser] = [await fleet.untilRunning(node, release), await fleet.untilRunning(device, release)];
      expect(inBrowser.reported?.running?.artefacts).toEqual(onNode.reported?.running?.artefacts);
      const folder = join(fleet.folder, 'scenes');
      const { scenes } = await writeScenes({ folder, count: scaled(SCENES), seed: testSeed() });
      let lines = 0;
      for (const { file } of scenes) {
        // As PNG: how a JPEG is decoded is another question.
        const picture = await sharp(await readFile(join(folder, file)))
          .png()
          .toBuffer();
        const [theirs, ours] = [await readOn(node, picture), await readOn(device, picture)];
        expect(
          ours.map(({ text }) => text),
          file,
        ).toEqual(theirs.map(({ text }) => text));
        for (const [index, reading] of ours.entries()) {
          const other = theirs[index] as Reading;
          expect(Math.abs(reading.confidence - other.confidence)).toBeLessThan(CONFIDENCE_TOLERANCE);
          const apart = reading.quad.flat().map((value, at) => Math.abs(value - (other.quad.flat()[at] as number)));
          expect(Math.max(...apart)).toBeLessThan(CORNER_TOLERANCE);
        }
        lines += ours.length;
      }
      expect(lines).toBeGreaterThan(scenes.length);
    },
    COMPARE_TIMEOUT_MS,
  );
});
