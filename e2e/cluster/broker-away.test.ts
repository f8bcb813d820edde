/** One process of a fleet loses the broker, which everybody else still has: devices notice nothing, and say no hello by themselves. */
import { api, operatorResultSchema, parseClaimToken, type ReleaseView } from '@starling/shared';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { createProtocolDevice, openSession } from '../harness/protocol-device.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { startCluster } from './cluster.ts';
import { FLEET_LOGIN } from './cluster-broker.ts';
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

    const shutOut = async (process: number): Promise<void> => {
      const times = (): number => cluster.processes[process]?.output().split('the broker is away').length ?? 0;
      const before = times();
      gates[process]?.shut();
      await until('the process notices', async () => times() > before);
    };

    // One of the two hears the device, the other one does not.
    test.each([0, 1])('tells devices what process %i could not say meanwhile', async (process) => {
      const [before, after] = process === 0 ? releases : [releases[1], releases[0]];
      const { device } = agent.ready;
      const client = cluster.clientOf(process);
      await untilRuns(before);
      await shutOut(process);
      const command = await client.call(api.commandDevice, { params: { id: device }, body: { name: 'ping' } });
      await client.call(api.assignDevice, { params: { id: device }, body: { release: after.digest } });
      expect(command.status).toBe('queued');
      gates[process]?.open();
      await untilRuns(after);
      const status = async () => (await client.call(api.showCommand, { params: { id: command.id } })).status;
      await until('the command is carried out', async () => (await status()) === 'done', STEP_MS, status);
    });

    test('takes the logins away of whoever was shut out meanwhile', async () => {
      const { client } = cluster;
      const url = cluster.broker.urls[0] ?? expect.unreachable();
      const account = { name: 'line-5', role: 'operator' as const };
      const { password } = await client.call(api.createOperatorAccount, { body: account });
      const { text } = await client.call(api.createClaimToken, { body: { name: 'lost', uses: 1, labels: {} } });
      const device = await createProtocolDevice(cluster.baseUrl);
      await device.enrol(parseClaimToken(text) ?? expect.unreachable());
      const login = await device.login();
      const entries = {
        tool: async () => connectAsync(url, { username: 'line-5', password, clientId: 'line-5', reconnectPeriod: 0 }),
        device: async () => (await openSession(url, login)).client,
      };
      for (const enter of Object.values(entries)) await (await enter()).endAsync(true);
      const other = { name: 'line-6', role: 'operator' as const };
      const { password: otherPassword } = await client.call(api.createOperatorAccount, { body: other });
      const options = { username: 'line-6', password: otherPassword, clientId: 'line-6', reconnectPeriod: 0 };
      const neighbour = await connectAsync(url, options);
      let isCut = false;
      neighbour.once('close', () => {
        isCut = true;
      });
      // By the name of the login of the fleet: refused, and later not taken for one of its accounts.
      const own = client.call(api.createOperatorAccount, { body: { name: FLEET_LOGIN.username, role: 'operator' } });
      await expect(own).rejects.toMatchObject({ code: 'broker-refused' });

      await Promise.all([shutOut(0), shutOut(1)]);
      // What a person asked for is done, though the broker does not know yet.
      await client.call(api.revokeOperatorAccount, { params: { name: 'line-5' } });
      expect(await client.call(api.revokeDevice, { params: { id: device.id } })).toMatchObject({ status: 'revoked' });
      for (const enter of Object.values(entries)) await (await enter()).endAsync(true);
      for (const gate of gates) gate.open();
      const isOut = async (enter: () => Promise<MqttClient>): Promise<boolean> =>
        enter().then(
          async (entered) => {
            await entered.endAsync(true);
            return false;
          },
          // MQTT 3.1.1, 3.2.2.3: 5 is "not authorised", and not a broker that has gone.
          (error: { code?: unknown }) => error.code === 5,
        );
      for (const [who, enter] of Object.entries(entries)) await until(`the ${who} is out`, () => isOut(enter), STEP_MS);
      expect(isCut).toBe(false);
      await neighbour.endAsync(true);
      await (await connectAsync(url, { ...FLEET_LOGIN, reconnectPeriod: 0 })).endAsync(true);
    });

    test('tells the tools of operators what became of their requests meanwhile', async () => {
      const { device } = agent.ready;
      const { client } = cluster;
      const { password, topicRoot } = await client.call(api.createOperatorAccount, { body: { name: 'line-4', role: 'operator' } });
      const tool = await connectAsync(cluster.broker.urls[0] ?? '', { username: 'line-4', password, clientId: 'line-4' });
      const statuses: string[] = [];
      tool.on('message', (_topic, payload) => void statuses.push(operatorResultSchema.parse(JSON.parse(payload.toString())).status));
      await tool.subscribeAsync(`${topicRoot}/operator/line-4/result/+`, { qos: 1 });
      // Nobody is there to carry it out.
      await agent.kill();
      await tool.publishAsync(`${topicRoot}/operator/line-4/command/ping`, JSON.stringify({ request: 'one', device }), { qos: 1 });
      await until('it is told that the request is known', async () => statuses.length > 0);
      const { items } = await client.call(api.listProcesses, {});
      const answering = items.find(({ duties }) => duties.includes('operators'))?.id;
      const process = cluster.processes.findIndex(({ pid }) => answering?.includes(`.${pid}.`));
      await shutOut(process);
      const own = await client.call(api.listCommands, { params: { id: device }, query: { limit: 100 } });
      const asked = own.items.find(({ issuer }) => issuer.includes('mqtt line-4'));
      await cluster.clientOf(1 - process).call(api.cancelCommand, { params: { id: asked?.id ?? '' } });
      gates[process]?.open();
      await until(
        'it is told that nobody will',
        async () => statuses.at(-1) === 'cancelled',
        STEP_MS,
        () => statuses.join(),
      );
      await tool.endAsync(true);
    });
  });
});
