import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtefactView, api, type DeviceView, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childrenOf } from '../harness/child-processes.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { noisyWhenRounded, notANumberModel, publishMapRelease } from '../harness/small-models.ts';

describe('an artefact that computes something else on a device', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let release: ReleaseView;
  let fp32: ArtefactView;
  let int8: ArtefactView;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publishMapRelease(fleet, noisyWhenRounded(3, { width: 48 }), 0);
    const [pinned] = release.document.models;
    const { artefacts } = await fleet.client.call(api.showModel, { params: { digest: pinned?.digest ?? '' } });
    const ofPrecision = (precision: string): ArtefactView => {
      const found = artefacts.find((artefact) => artefact.precision === precision);
      if (found === undefined) throw new Error(`no ${precision} artefact`);
      return found;
    };
    [fp32, int8] = [ofPrecision('fp32'), ofPrecision('int8')];
    agent = await fleet.startAgent('agent', { release });
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const infer = async (): Promise<{ status: number; code?: string }> => {
    const body = new Uint8Array(await paintPlain(9, 9, 9));
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    const { code } = (await response.json()) as { code?: string };
    return { status: response.status, ...(code === undefined ? {} : { code }) };
  };
  const events = async (code: string) =>
    (await fleet.telemetry(agent.ready.device, 'events')).filter(({ payload }) => payload.code === code).map(({ payload }) => payload);

  test('is refused, and the runner-up runs', async () => {
    const view = await fleet.untilRunning(agent.ready.device, release);
    expect(view.desired?.choices.map).toMatchObject({ artefact: int8.digest, fallbacks: [fp32.digest] });
    const { running, refused, error } = view.reported ?? {};
    expect(running).toMatchObject({ artefacts: { map: fp32.digest }, verified: true });
    const reason = expect.stringMatching(/^error \S+ is over /);
    expect(refused).toEqual([
      { model: 'map', artefact: int8.digest, provider: 'cpu', code: 'self-test-failed', reason, instead: fp32.digest },
    ]);
    expect(error).toBeNull();
    expect(await infer()).toEqual({ status: 200 });
    const [event] = await until('its event', async () => {
      const found = await events('artefact-refused');
      return found.length > 0 && found;
    });
    expect(event).toMatchObject({ level: 'warning', detail: { model: 'map', artefact: int8.digest, provider: 'cpu' } });
  });

  test('is not tried again after a restart of the agent', async () => {
    await agent.stop();
    agent = await fleet.startAgent('agent');
    const { reported } = await fleet.untilRunning(agent.ready.device, release);
    expect(reported?.running?.artefacts).toEqual({ map: fp32.digest });
    expect(reported?.refused.map(({ artefact }) => artefact)).toEqual([int8.digest]);
    expect(await events('artefact-refused')).toHaveLength(1);
  });

  test('that gives no numbers any more after a crash is not run again', async () => {
    // What the engine kept of the model while it was good is checked by its own digest.
    await rm(join(fleet.agentFolder('agent'), 'optimised'), { recursive: true });
    await writeFile(join(fleet.agentFolder('agent'), 'blobs', fp32.document.blob.digest), writeOnnx(notANumberModel()));
    const [host] = await childrenOf(agent.pid);
    process.kill(host ?? 0, 'SIGKILL');
    const view = await until('both are refused', async (): Promise<DeviceView | false> => {
      const found = await fleet.device(agent.ready.device);
      return found.reported?.refused.length === 2 && found.reported.phase === 'failed' && found;
    });
    expect(view.reported).toMatchObject({
      running: null,
      error: { code: 'self-test-failed', field: 'map', hint: expect.any(String) },
      refused: [
        { artefact: int8.digest, instead: null },
        { artefact: fp32.digest, reason: 'an output is not a number', instead: null },
      ],
    });
    expect(await infer()).toEqual({ status: 503, code: 'no-release' });
  });
});
