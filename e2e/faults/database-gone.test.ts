import { api, isStarlingError } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const GONE_MS = 4_000;

describeWith(['postgres'], 'a database that is away for a while', ({ postgres }) => {
  let server: PostgresServer | undefined;
  let fleet: RunningFleet;
  let agent: AgentProcess;

  beforeAll(async () => {
    server = await startPostgres(postgres);
    fleet = await startRunningFleet({ 'database-url': server.url, 'log-level': 'silent' });
    const release = await publishMapRelease(fleet, mapModel(0), 0);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
  });
  afterAll(async () => {
    await fleet?.stop();
    await server?.stop();
  });

  const inferOnce = async (): Promise<void> => {
    const body = new Uint8Array(await paintPlain(40, 90, 160));
    expect((await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body })).status).toBe(200);
  };

  test('people are told, devices go on, and nothing that they say is lost', async () => {
    const id = agent.ready.device;
    let inferences = 3;
    for (let count = 0; count < inferences; count += 1) await inferOnce();
    await server?.down();
    const endMs = performance.now() + GONE_MS;
    while (performance.now() < endMs) {
      await inferOnce();
      inferences += 1;
      const error: unknown = await fleet.device(id).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(isStarlingError(error) && [error.code, error.hint]).toEqual(['database-unavailable', expect.stringContaining('try again')]);
    }
    await server?.up();
    const stored = await until('everything is stored', async () => {
      const rows = await fleet.telemetry(id, 'inference').catch(() => []);
      const items = rows.reduce((sum, { payload }) => sum + (payload.items as number), 0);
      return items >= inferences && items;
    });
    expect(stored).toBe(inferences);
    const { delivery } = await fleet.client.call(api.summariseTelemetry, { params: { id }, query: {} });
    expect(delivery).toMatchObject({ lost: 0, declaredDropped: 0 });
    expect(fleet.process.pid).toBeGreaterThan(0);
  });
});
