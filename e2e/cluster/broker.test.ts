import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../harness/free-ports.ts';
import { startPostgres } from '../harness/postgres.ts';
import { startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { brokerContract } from './broker.contract.ts';
import { type ClusterBroker, FLEET_LOGIN } from './cluster-broker.ts';
import { startDeviceMosquitto } from './mosquitto.ts';
import { startRabbitMq } from './rabbitmq.ts';

brokerContract('the embedded broker', async () => {
  const fleet = await startReadyFleet();
  return { fleet, urls: [fleet.broker], stop: () => fleet.stop() };
});

describeWith(['mosquitto', 'postgres'], 'mosquitto', ({ mosquitto, postgres }) => {
  brokerContract('mosquitto', () => startAt(postgres, () => startDeviceMosquitto(mosquitto)));
});

describeWith(['rabbitmq-server', 'postgres'], 'RabbitMQ', ({ postgres }) => {
  brokerContract('RabbitMQ', () => startAt(postgres, (httpPort) => startRabbitMq(1, httpPort)));
});

async function startAt(postgres: string, startBroker: (httpPort: number) => Promise<ClusterBroker>) {
  const blobs = await mkdtemp(join(tmpdir(), 'starling-blobs-'));
  const database = await startPostgres(postgres);
  const [httpPort = 0] = await freePorts(1);
  const broker = await startBroker(httpPort);
  const { flags, environment } = broker.settings();
  const fleet = await startReadyFleet(
    {
      ...{ 'database-url': database.url, 'broker-url': broker.urls[0] ?? '', 'broker-public-urls': broker.urls.join(',') },
      ...{ 'broker-username': FLEET_LOGIN.username, 'http-port': `${httpPort}`, 'blob-store': `file://${blobs}`, ...flags },
    },
    { STARLING_BROKER_PASSWORD: FLEET_LOGIN.password, STARLING_CLUSTER_SECRET: 'secret-of-the-cluster-of-tests', ...environment },
  );
  return {
    ...{ fleet, urls: broker.urls },
    async stop() {
      await fleet.stop();
      await broker.stop();
      await database.stop();
      await rm(blobs, { recursive: true, force: true });
    },
  };
}
