import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../harness/free-ports.ts';
import { startMosquitto } from '../harness/mosquitto.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { startFleetProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';

const USER = 'starling-fleet';
const PASSWORD = 'a-password-of-the-broker';

describeWith(['postgres', 'mosquitto'], 'the first login of a fleet', ({ postgres, mosquitto }) => {
  let folder: string;
  let database: PostgresServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-first-login-'));
    database = await startPostgres(postgres);
  });
  afterAll(async () => {
    await database?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (port: number) =>
    startFleetProcess({
      dataDirectory: join(folder, 'fleet'),
      flags: {
        ...{ 'database-url': database.url, 'blob-store': `file://${join(folder, 'blobs')}` },
        ...{ 'broker-url': `mqtt://127.0.0.1:${port}`, 'broker-public-urls': `mqtt://127.0.0.1:${port}`, 'broker-logins': 'http' },
      },
      environment: {
        STARLING_BROKER_PASSWORD: PASSWORD,
        STARLING_BROKER_SECRET: 'b'.repeat(32),
        STARLING_CLUSTER_SECRET: 'c'.repeat(32),
      },
    });

  test('is told by the first start that is done, whatever ended the ones before', { timeout: 180_000 }, async () => {
    const [nobody = 0] = await freePorts(1);
    await expect(start(nobody)).rejects.toMatchObject({ code: 'broker-unreachable' });
    const broker = await startMosquitto({ program: mosquitto, folder, username: USER, password: PASSWORD });
    try {
      const fleet = await start(broker.port);
      expect(fleet.ready.firstLogin).toMatchObject({ password: expect.any(String) });
      await fleet.stop();
    } finally {
      await broker.kill();
    }
  });
});
