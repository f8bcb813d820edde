/** All that travels between devices and people beside telemetry, at brokers that are not ours, with two processes. */

import { setTimeout as pause } from 'node:timers/promises';
import { api, type DeviceView, type OperatorResult, operatorResultSchema, type ReleaseView } from '@starling/shared';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { counts, STREAMS } from '../placement/two-machines.ts';
import { readTap } from '../taps/read-tap.ts';
import { startCluster } from './cluster.ts';
import type { ClusterBroker } from './cluster-broker.ts';
import { startDeviceMosquitto } from './mosquitto.ts';
import { startRabbitMq } from './rabbitmq.ts';

const STEP_MS = 90_000;
const SETUP_MS = 300_000;

describeWith(['mosquitto', 'postgres'], 'over mosquitto', ({ mosquitto, postgres }) => {
  carries(postgres, () => startDeviceMosquitto(mosquitto));
});
describeWith(['rabbitmq-server', 'postgres'], 'over RabbitMQ', ({ postgres }) => {
  carries(postgres, (httpPort) => startRabbitMq(1, httpPort));
});

function carries(program: string, startBroker: (httpPort: number) => Promise<ClusterBroker>): void {
  describe('a fleet of two processes', { timeout: 2 * STEP_MS }, () => {
    let postgres: PostgresServer;
    let cluster: Awaited<ReturnType<typeof startCluster>>;
    let release: ReleaseView;
    let home: AgentProcess;

    beforeAll(async () => {
      postgres = await startPostgres(program);
      cluster = await startCluster({ processes: 2, postgres, startBroker, flags: { 'build-methods': 'source' } });
      await cluster.operator.pushPipeline(counts);
      release = await cluster.operator.createRelease({
        ...{ name: 'placed', pipeline: counts.name },
        policies: {
          egress: { outputs: ['y'], edges: ['check.value'], sinks: [], streams: STREAMS.filter((port) => !port.includes(':')) },
          ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
        },
      });
      home = await cluster.startAgent('home', release);
      const { device: worker } = (await cluster.startAgent('worker', release)).ready;
      await cluster.client.call(api.changeDevice, { params: { id: worker }, body: { labels: { place: 'cloud' } } });
      const show = (id: string) => cluster.client.call(api.showDevice, { params: { id } });
      const runs = ({ desired, reported }: DeviceView) =>
        reported?.running?.release === release.digest && reported.generation === desired?.generation;
      await until(
        'the worker works for the device',
        async () => {
          const [own, other] = [await show(home.ready.device), await show(worker)];
          return runs(own) && runs(other) && own.desired?.placement[0]?.worker?.id === worker;
        },
        STEP_MS,
        async () => JSON.stringify([await show(home.ready.device), await show(worker)]),
      );
    }, SETUP_MS);
    afterAll(async () => {
      await cluster?.stop();
      await postgres?.stop();
    });

    const post = async (x: number): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${home.ready.httpPort}/v1/sources/counts-in`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ x }) },
      });
      return ((await answer.json()) as { outputs?: { y?: unknown } }).outputs?.y;
    };

    test('runs a pipeline on two devices, each item once and in order', async () => {
      for (let item = 1; item <= 20; item += 1) expect(await post(1)).toEqual({ x: 1, count: item, sum: item });
    });

    test.each([0, 1])('watches an edge from process %i, whoever hears the device', async (process) => {
      const client = cluster.clientOf(process);
      const tap = await client.call(api.startTap, { params: { id: home.ready.device }, body: { edges: ['check.value'] } });
      const reader = await readTap({ baseUrl: cluster.baseUrlOf(process), token: cluster.token }, tap);
      await post(7);
      const { value } = await reader.until('the value', ({ edge }) => edge === 'check.value');
      expect(value).toMatchObject({ kind: 'json', value: { x: 7 } });
      await client.call(api.stopTap, { params: { id: home.ready.device, tap: tap.id } });
      await reader.ended;
    });

    test('lets a tool of a person command devices, from whichever process its account was made', async () => {
      const { device } = home.ready;
      const { password, topicRoot } = await cluster
        .clientOf(1)
        .call(api.createOperatorAccount, { body: { name: 'line-4', role: 'operator' } });
      const url = cluster.broker.urls[0] ?? expect.unreachable();
      const tool = await connectAsync(url, { username: 'line-4', password, clientId: 'line-4', reconnectPeriod: 0 });
      const answers: OperatorResult[] = [];
      tool.on('message', (_topic, payload) => void answers.push(operatorResultSchema.parse(JSON.parse(payload.toString()))));
      await tool.subscribeAsync(`${topicRoot}/operator/line-4/result/+`, { qos: 1 });
      const ask = (name: string, request: object) =>
        tool.publishAsync(`${topicRoot}/operator/line-4/command/${name}`, JSON.stringify(request), { qos: 1 });
      const answered = (request: string, isIt: (answer: OperatorResult) => boolean) =>
        until(
          'it is answered',
          () => answers.find((answer) => answer.request === request && isIt(answer)),
          STEP_MS,
          () => JSON.stringify(answers),
        );

      await ask('ping', { request: 'first', device });
      await answered('first', ({ status }) => status === 'done');
      const { items } = await cluster.client.call(api.listCommands, { params: { id: device }, query: { limit: 100 } });
      expect(items.filter(({ issuer }) => issuer.includes('mqtt line-4'))).toEqual([expect.objectContaining({ name: 'ping' })]);

      // The process that answers operators ends: the other one takes over, and tells where all stands.
      const all = await cluster.client.call(api.listProcesses, {});
      const answering = all.items.find(({ duties }) => duties.includes('operators'))?.id;
      const at = cluster.processes.findIndex(({ pid }) => answering?.includes(`.${pid}.`));
      answers.length = 0;
      await cluster.kill(at);
      await cluster.untilHears(1 - at, 32);
      await answered('first', ({ status }) => status === 'done');
      await ask('ping', { request: 'second', device });
      await answered('second', ({ status }) => status === 'done');
      await cluster.start(at);

      // Not as somebody else, and not where devices are.
      const refused = connectAsync(url, { username: 'line-4', password, clientId: device, reconnectPeriod: 0 });
      await expect(refused).rejects.toThrow();
      await cluster.client.call(api.revokeOperatorAccount, { params: { name: 'line-4' } });
      const late = connectAsync(url, { username: 'line-4', password, clientId: 'line-4', reconnectPeriod: 0 });
      await expect(late).rejects.toThrow();
      await tool.endAsync(true);
    });

    test('carries out each command, also those of the moment in which devices change hands', async () => {
      const device = home.ready.device;
      const sent: string[] = [];
      let isOver = false;
      const sending = (async () => {
        while (!isOver) {
          sent.push((await cluster.clientOf(1).call(api.commandDevice, { params: { id: device }, body: { name: 'ping' } })).id);
          await pause(20);
        }
      })();
      await cluster.kill(0);
      await cluster.untilHears(1, 32);
      await cluster.start(0);
      await cluster.untilHears(0, 16);
      isOver = true;
      await sending;
      const open = async () => {
        const views = await Promise.all(sent.map((id) => cluster.clientOf(1).call(api.showCommand, { params: { id } })));
        return views.filter(({ status }) => status !== 'done');
      };
      await until(
        'all are done',
        async () => (await open()).length === 0,
        STEP_MS,
        async () => JSON.stringify(await open()),
      );
      expect(sent.length).toBeGreaterThan(20);
    });

    test.each([0, 1])('has a document uploaded that was asked for at process %i', async (process) => {
      const client = cluster.clientOf(process);
      const asked = await client.call(api.commandDevice, {
        params: { id: home.ready.device },
        body: { name: 'diagnostics', waitMs: 60_000 },
      });
      expect(asked).toMatchObject({ status: 'done' });
      // Any process gives it out.
      const found = await cluster.client.call(api.showDiagnostics, { params: { id: asked.id } });
      expect(JSON.stringify(found)).toContain(home.ready.device);
    });
  });
}
