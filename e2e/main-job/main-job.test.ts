import { api, type ReleaseView, readingSchema, type TelemetryKind } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { paintSign } from '../harness/picture.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { slowness } from '../harness/scale.ts';

/** Two real models are built, on a machine that may have other work. */
const BUILD_TIMEOUT_MS = 400_000;

const policies = {
  egress: { outputs: ['readings'], edges: [], sinks: [] },
  ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
};

/** The whole way of one device, from its claim token to its end; the tests go it step by step. */
function mainJob(flags: () => Promise<Record<string, string>>): void {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let first: ReleaseView;
  let second: ReleaseView;

  beforeAll(async () => {
    fleet = await startRunningFleet(await flags());
    for (const files of demoModels) {
      const model = await fleet.operator.pushModel(files);
      const built = await fleet.operator.waitForBuilds(model.digest);
      expect(built.artefacts.map(({ precision }) => precision).sort()).toEqual(['fp32', 'int8']);
    }
    await fleet.operator.pushPipeline(readSigns);
    const pipeline = `${readSigns.name}@${readSigns.version}`;
    first = await fleet.operator.createRelease({ name: 'read-signs-1', pipeline, policies });
    second = await fleet.operator.createRelease({ name: 'read-signs-2', pipeline, policies });
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    await fleet?.stop();
  });

  const infer = async (text: string): Promise<string[]> => {
    const raw = await paintSign(text);
    const { result } = await fleet.client.call(api.inferOnDevice, { params: { id: agent.ready.device }, raw });
    return z
      .array(readingSchema)
      .parse(result.outputs.readings)
      .map((reading) => reading.text);
  };

  test('an agent enrols, pulls int8 artefacts, passes its self-test and runs, with reasons for each choice', async () => {
    agent = await fleet.startAgent('agent', { release: first });
    const { online, desired, reported, profile, profileReason } = await fleet.untilRunning(agent.ready.device, first);
    expect(online).toBe(true);
    expect(profile).not.toBe('');
    expect(profileReason.reasons.length).toBeGreaterThan(0);
    expect(Object.keys(desired?.choices ?? {}).sort()).toEqual(['text-detection', 'text-recognition']);
    for (const choice of Object.values(desired?.choices ?? {})) {
      expect(choice.precision).toBe('int8');
      expect(choice.reason).not.toBe('');
      expect(choice.candidates.map(({ precision, chosen }) => [precision, chosen]).sort()).toEqual([
        ['fp32', false],
        ['int8', true],
      ]);
      expect(choice.candidates.every(({ verdict }) => verdict !== '')).toBe(true);
    }
    const done = reported?.steps.filter(({ state }) => state === 'done').map(({ step }) => step);
    expect(done).toEqual(expect.arrayContaining(['fetch-documents', 'pull-blobs', 'load', 'self-test', 'probation', 'commit']));
    expect(reported?.running?.providers).toEqual({ 'text-detection': 'cpu', 'text-recognition': 'cpu' });
  });

  test('the device reads the text of a picture that is sent to it', async () => {
    expect(await infer('EXIT 42')).toEqual(['EXIT 42']);
  });

  test('inference, energy, health and drift come in, once each and without a gap', async () => {
    const kinds: TelemetryKind[] = ['inference', 'energy', 'health', 'drift'];
    for (const kind of kinds) {
      const rows = await until(`${kind} telemetry`, async () => {
        const found = await fleet.telemetry(agent.ready.device, kind);
        return found.length > 0 && found;
      });
      const sequences = rows.map(({ sequence }) => sequence).sort((a, b) => a - b);
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    }
    const summary = await fleet.client.call(api.summariseTelemetry, { params: { id: agent.ready.device }, query: {} });
    expect(summary.items).toBeGreaterThanOrEqual(1);
    expect(summary.delivery).toMatchObject({ lost: 0, declaredDropped: 0 });
    expect(summary.energyMethod).not.toBeNull();
  });

  test('commands are answered: logs, ping, self-test, restart', async () => {
    const command = (name: 'logs' | 'ping' | 'self-test' | 'restart', args: Record<string, unknown> = {}) =>
      fleet.client.call(api.commandDevice, { params: { id: agent.ready.device }, body: { name, arguments: args, waitMs: 20_000 } });
    expect((await command('logs', { lineCount: 20 })).result).toMatchObject({
      lines: expect.arrayContaining([expect.stringContaining('online')]),
    });
    expect((await command('ping')).status).toBe('done');
    expect((await command('self-test')).result).toMatchObject({ passed: true });
    expect(await command('restart')).toMatchObject({ status: 'done', result: { restartedInMs: expect.any(Number) } });
    expect(await infer('TRACK-7')).toEqual(['TRACK-7']);
  });

  test('a second release takes over, and the first one is kept to go back to', async () => {
    await fleet.assign(agent.ready.device, second);
    const { reported, desired } = await fleet.untilRunning(agent.ready.device, second);
    expect(reported?.previous).toBe(first.digest);
    expect(desired?.previousRelease).toBe(first.digest);
    expect(await infer('GATE 3')).toEqual(['GATE 3']);
    await fleet.assign(agent.ready.device, first);
    const back = await fleet.untilRunning(agent.ready.device, first);
    expect(back.reported?.previous).toBe(second.digest);
    expect(back.desired?.generation).toBe((desired?.generation ?? 0) + 1);
  });

  test('a revoked device is cut off at once and does not come back', async () => {
    const id = agent.ready.device;
    const view = await fleet.client.call(api.revokeDevice, { params: { id } });
    expect(view.status).toBe('revoked');
    await until('the revoked device is offline', async () => !(await fleet.device(id)).online || undefined, 2_000 * slowness());
    await until(
      'the agent is refused',
      () => /no session with the fleet.*(revoked|refused)/.test(agent.output()) || undefined,
      20_000,
      agent.output,
    );
    expect((await fleet.device(id)).online).toBe(false);
  });
}

describe('the main job on the embedded database', () => mainJob(async () => ({})));

describeWith(['postgres'], 'the main job on Postgres', ({ postgres }) => {
  let server: PostgresServer | undefined;
  afterAll(() => server?.stop());
  mainJob(async () => {
    server = await startPostgres(postgres);
    return { 'database-url': server.url };
  });
});
