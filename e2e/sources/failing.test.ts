import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipelineInput } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import { freePorts } from '../harness/free-ports.ts';
import { paintSign } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { type RtspServer, startRtspServer } from '../harness/rtsp-server.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const SETUP_TIMEOUT_MS = 300_000;

const watched = (port: number): PipelineInput => ({
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'watched', version: '1.0.0' },
  outputs: { statistics: 'json' },
  nodes: {
    camera: { source: 'rtsp', params: { url: `rtsp://127.0.0.1:${port}/stream`, framesPerSecond: 2 } },
    decode: { op: 'image.decode' },
    measure: { op: 'image.statistics' },
  },
  edges: [
    { from: 'camera.image', to: 'decode.image' },
    { from: 'decode.image', to: 'measure.image' },
    { from: 'measure.statistics', to: 'output.statistics' },
  ],
});

describeWith(['ffmpeg'], 'a camera that is away', ({ ffmpeg }) => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let camera: RtspServer | undefined;
  let port: number;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    [port = 0] = await freePorts(1);
    await fleet.operator.pushPipeline(watched(port));
    const release = await fleet.operator.createRelease({ name: 'watched-1', pipeline: 'watched' });
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await camera?.close();
    await fleet?.stop();
  });

  test('stands with since when and how often at the device for as long as it lasts, and goes when the camera is back', async () => {
    const failing = async () => (await fleet.device(agent.ready.device)).reported?.failing;
    const [told] = (await until('the fleet knows that it fails', failing)) ?? [];
    expect(told).toMatchObject({ node: 'camera', code: 'source-lost', sinceMs: expect.any(Number), attempts: expect.any(Number) });
    // In words for people, without what ffmpeg says of itself.
    expect(told?.message).toMatch(/^camera: [^[]*Connection refused/);
    const shown = await createStarling(fleet.folder, fleet.folder).run(['device', 'show', agent.ready.device], {
      environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: fleet.token },
    });
    expect(shown.stdout).toMatch(/fails +camera since \d{4}-.*, tried .*: camera: /);

    const picture = join(fleet.folder, 'camera.png');
    await writeFile(picture, await paintSign('GATE 4'));
    camera = await startRtspServer({ ffmpeg, picture, port });
    await until('it is back', async () => (await failing()) === undefined);
    const events = await until('the end is told', async () => {
      const rows = await fleet.telemetry(agent.ready.device, 'events');
      const found = rows.map(({ payload }) => payload as { code: string; message: string });
      return found.some(({ code }) => code === 'source-recovered') && found;
    });
    expect(events.find(({ code }) => code === 'source-recovered')?.message).toMatch(/^after source-lost, which lasted \d+ /);
  });
});
