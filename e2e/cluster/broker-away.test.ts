/** One process of a fleet loses the broker, which everybody else still has: devices notice nothing, and say no hello by themselves. */
import { api, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { startCluster } from './cluster.ts';
import { type Gate, openGate } from './gate.ts';
import { startDeviceMosquitto } from './mosquitto.ts';

const STEP_MS = 60_000;

describeWith(['mosquitto', 'postgres'], 'a process that has lost the broker', ({ mosquitto, postgres: program }) => {
  describe('and finds it again', { timeout: 3 * STEP_MS }, () => {
    let postgres: PostgresServer;
    let cluster: Awaited<ReturnType<typeof startCluster>>;
    let gates: Gate[];
    let releases: [ReleaseView, ReleaseView];
    let agent: AgentProcess;

    beforeAll(async () => {
      postgres = await startPostgres(program);
      cluster = await startCluster({
        ...{ processes: 2, postgres, flags: { 'build-methods': 'source' } },
        async startBroker() {
          const broker = await startDeviceMosquitto(mosquitto);
          const port = Number(new URL(broker.urls[0] ?? '').port);
          gates = [await openGate(port), await openGate(port)];
          return broker;
        },
        wayToBroker: (process) => `mqtt://127.0.0.1:${gates[process]?.port}`,
      });
      releases = [
        await publishMapRelease(cluster, mapModel(1, { width: 32 }), 0),
        await publishMapRelease(cluster, mapModel(2, { width: 32 }), 1),
      ];
      await Promise.all([cluster.untilHears(0, 16), cluster.untilHears(1, 16)]);
      agent = await cluster.startAgent('camera', releases[0]);
    }, 300_000);
    afterAll(async () => {
      await cluster?.stop();
      for (const gate of gates ?? []) await gate.close();
      await postgres?.stop();
    });

    const shown = () => cluster.client.call(api.showDevice, { params: { id: agent.ready.device } });
    const untilRuns = (release: ReleaseView) =>
      until(
        `the device runs ${release.name}`,
        async () => (await shown()).reported?.running?.release === release.digest,
        STEP_MS,
        async () => JSON.stringify(await shown()),
      );

    // One of the two hears the device, the other one does not.
    test.each([0, 1])('tells devices what process %i could not say meanwhile', async (process) => {
      const [before, after] = process === 0 ? releases : [releases[1], releases[0]];
      const { device } = agent.ready;
      const client = cluster.clientOf(process);
      await untilRuns(before);
      gates[process]?.shut();
      await until('the process notices', async () => cluster.processes[process]?.output().includes('the broker is away'));
      const command = await client.call(api.commandDevice, { params: { id: device }, body: { name: 'ping' } });
      await client.call(api.assignDevice, { params: { id: device }, body: { release: after.digest } });
      expect(command.status).toBe('queued');
      gates[process]?.open();
      await untilRuns(after);
      const status = async () => (await client.call(api.showCommand, { params: { id: command.id } })).status;
      await until('the command is carried out', async () => (await status()) === 'done', STEP_MS, status);
    });
  });
});
