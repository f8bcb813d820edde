import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSigns } from '../demo/read-signs.ts';
import { paintSign } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { type RtspServer, startRtspServer } from '../harness/rtsp-server.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const BUILD_TIMEOUT_MS = 400_000;
const policies = {
  egress: { outputs: ['readings'], edges: [], sinks: [] },
  ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
};

describeWith(['ffmpeg'], 'an agent that watches a camera over RTSP', ({ ffmpeg }) => {
  let fleet: RunningFleet;
  let release: ReleaseView;
  let camera: RtspServer;
  let agent: AgentProcess;

  const startCamera = async (text: string, port = 0): Promise<RtspServer> => {
    const picture = join(fleet.folder, 'camera.png');
    await writeFile(picture, await paintSign(text));
    return startRtspServer({ ffmpeg, picture, port });
  };
  const untilRead = (text: string, timeoutMs = 60_000) =>
    until(`the agent reads ${text}`, () => agent.output().includes(`"readings":["${text}"]`), timeoutMs, agent.output);

  beforeAll(async () => {
    fleet = await startRunningFleet({}, 'demo-sources');
    await fleet.operator.pushPipeline(readSigns);
    release = await fleet.operator.createRelease({ name: 'read-signs-1', pipeline: readSigns.name, policies });
    camera = await startCamera('TRACK-7');
    const video = camera.url.replace('rtsp://', 'rtsp://viewer:s3cret@');
    agent = await fleet.startAgent('agent', { release, flags: { video, 'frames-per-second': '2' } });
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    await camera?.close();
    await fleet?.stop();
  });

  test('reads what stands in its frames', async () => {
    await untilRead('TRACK-7');
    expect(camera.requests.slice(0, 4)).toEqual(['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY']);
  });

  test('comes back to a camera that was started again', async () => {
    await camera.close();
    camera = await startCamera('EXIT 8', camera.port);
    await untilRead('EXIT 8');
  });

  test('opens a camera again that sends nothing more, though its connection stays', async () => {
    const played = camera.played();
    expect(played).toBeGreaterThan(0);
    camera.freeze();
    await until('the camera is asked again', () => camera.played() > played, 60_000, agent.output);
  });

  test('lets go of the camera when it stops, and has told its password to nobody', async () => {
    expect(await agent.stop()).toBe(0);
    expect(agent.output()).not.toContain('s3cret');
  });
});
