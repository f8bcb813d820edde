import { api, type DeviceView, type ReleaseView, type RolloutDetail } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { startFleetProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { startCluster } from './cluster.ts';
import type { ClusterBroker } from './cluster-broker.ts';
import { startDeviceMosquitto } from './mosquitto.ts';
import { startRabbitMq } from './rabbitmq.ts';

const SIMULATED = 40;
const AGENTS = 2;
const DEVICES = SIMULATED + AGENTS;
const END_MS = 240_000;

describeWith(['mosquitto', 'postgres'], 'two processes at mosquitto', ({ mosquitto, postgres }) => {
  survives(postgres, () => startDeviceMosquitto(mosquitto));
});
describeWith(['rabbitmq-server', 'postgres'], 'two processes at three nodes of RabbitMQ', ({ postgres }) => {
  survives(postgres, (httpPort) => startRabbitMq(3, httpPort));
});

/** One of each is killed while a rollout is on its way, telemetry flows and commands are sent. */
function survives(program: string, startBroker: (httpPort: number) => Promise<ClusterBroker>): void {
  describe('a fleet', () => {
    let postgres: PostgresServer;
    let cluster: Awaited<ReturnType<typeof startCluster>>;
    let releases: { first: ReleaseView; second: ReleaseView };
    let crowd: Awaited<ReturnType<typeof cluster.simulate>>;
    let agents: AgentProcess[];

    beforeAll(async () => {
      postgres = await startPostgres(program);
      cluster = await startCluster({ processes: 2, postgres, startBroker, flags: { 'build-methods': 'source' } });
      releases = {
        first: await publishMapRelease(cluster, mapModel(1, { width: 32 }), 0),
        second: await publishMapRelease(cluster, mapModel(2, { width: 32 }), 1),
      };
      crowd = await cluster.simulate({ devices: SIMULATED, telemetryMs: 1_000, release: releases.first });
      agents = await Promise.all(Array.from({ length: AGENTS }, (_, index) => cluster.startAgent(`agent-${index}`, releases.first)));
    }, 400_000);
    afterAll(async () => {
      await cluster?.stop();
      await postgres?.stop();
    });

    const devices = async (): Promise<DeviceView[]> => (await cluster.client.call(api.listDevices, { query: { limit: 100 } })).items;
    const running = async (release: ReleaseView): Promise<number> =>
      (await devices()).filter(({ reported }) => reported?.running?.release === release.digest && reported.running.verified).length;
    const rollout = (id: string): Promise<RolloutDetail> => cluster.client.call(api.showRollout, { params: { id } });

    test('shares its devices, and each process reaches all of them', { timeout: END_MS }, async () => {
      await Promise.all([cluster.untilHears(0, 16), cluster.untilHears(1, 16)]);
      await until(
        'all run the first release',
        async () => (await running(releases.first)) === DEVICES,
        END_MS,
        async () => JSON.stringify((await devices()).map(({ online, reported }) => [online, reported?.phase, reported?.error])),
      );
      const someone = await devices();
      for (const process of [0, 1]) {
        for (const { id } of [someone[0], someone[1], someone.at(-1)].filter((each) => each !== undefined)) {
          const body = { name: 'ping', arguments: {}, waitMs: 10_000 } as const;
          expect(await cluster.clientOf(process).call(api.commandDevice, { params: { id }, body })).toMatchObject({ status: 'done' });
        }
      }
    });

    test('a rollout ends well though a process and a broker are killed in its middle; nothing is lost or doubled', {
      timeout: 2 * END_MS,
    }, async () => {
      const spec = { name: 'across', release: releases.second.name, selector: 'true', steps: [{ setPercent: 40 }, { setPercent: 100 }] };
      const { id } = await cluster.client.call(api.createRollout, { body: { spec, all: true } });
      await until('some have the second release', async () => (await running(releases.second)) >= 5);
      await cluster.kill(0);
      await cluster.broker.kill(1);
      await cluster.untilHears(1, 32);
      await cluster.broker.start(1);
      const { id: batch } = await cluster.client.call(api.createCommandBatch, { body: { name: 'ping', arguments: {}, select: 'true' } });
      await until(
        'the rollout ends',
        async () => (await rollout(id)).state === 'succeeded',
        END_MS,
        async () => {
          const open = (await devices()).filter(({ reported }) => reported?.running?.release !== releases.second.digest);
          return JSON.stringify([(await rollout(id)).counts, open.map((each) => [each.id, each.online, each.reported?.phase])]);
        },
      );
      expect((await rollout(id)).counts).toMatchObject({ succeeded: DEVICES });
      expect(await running(releases.second)).toBe(DEVICES);
      await until(
        'all have answered',
        async () => (await cluster.client.call(api.showCommandBatch, { params: { id: batch } })).state === 'done',
      );
      expect((await cluster.client.call(api.showCommandBatch, { params: { id: batch } })).counts).toEqual({ done: DEVICES });

      // One that comes back gets its share.
      await cluster.start(0);
      await Promise.all([cluster.untilHears(0, 16), cluster.untilHears(1, 16)]);
      const processes = () => cluster.clientOf(0).call(api.listProcesses, {});
      const { items, broker } = await until(
        'both hear their half',
        async () => {
          const view = await processes();
          return view.unheard === 0 && view.items.map(({ shards }) => shards).join() === '16,16' && view;
        },
        END_MS,
        async () => JSON.stringify(await processes()),
      );
      expect(broker).toBe('external');
      expect(items.filter(({ answers }) => answers)).toHaveLength(1);
      expect(items.flatMap(({ duties }) => duties).toSorted()).toEqual(['house', 'measuring', 'operators']);
      await crowd.stop();
      // Nobody says anything while it is counted.
      await Promise.all(agents.map((agent) => agent.stop()));
      await until('all are away', async () => (await devices()).every(({ online }) => !online));
      const figures = crowd.figures();
      let stored = 0;
      for (const device of await devices()) {
        const params = { id: device.id };
        const { delivery } = await cluster.client.call(api.summariseTelemetry, { params, query: {} });
        const { total } = await cluster.client.call(api.listTelemetry, { params, query: { limit: 1 } });
        expect([device.name, delivery.lost, delivery.declaredDropped]).toEqual([device.name, 0, 0]);
        expect(total).toBe(delivery.stored);
        if (device.labels.simulated === 'true') stored += delivery.stored;
      }
      expect(stored).toBeGreaterThanOrEqual(figures.recordsAcknowledged);
      expect(stored).toBeLessThanOrEqual(figures.recordsSent);
      expect(figures.recordsAcknowledged).toBeGreaterThan(0.9 * figures.recordsSent);
    });

    test('a process that devices would connect to itself is refused on the same database', async () => {
      const refused = startFleetProcess({ dataDirectory: `${cluster.folder}/alone`, flags: { 'database-url': postgres.url } });
      await expect(refused).rejects.toMatchObject({ code: 'fleet-already-runs', field: 'databaseUrl' });
    });
  });
}
