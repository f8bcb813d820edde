import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { api, type DeviceView, type FleetProcess as ProcessView, type ReleaseView, type ResponseOf, StarlingError } from '@starling/shared';
import postgresClient from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../fleet/src/clock.ts';
import { systemIds } from '../../fleet/src/ids.ts';
import { openCertificates } from '../../fleet/src/tls/index.ts';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { startCluster } from './cluster.ts';
import { signBroker, startDeviceMosquitto } from './mosquitto.ts';

const END_MS = 240_000;
const SHARDS = 32;

describeWith(['mosquitto', 'postgres', 'openssl'], 'two processes of one fleet, over TLS', ({ mosquitto, postgres: program }) => {
  describe('for whoever runs them', () => {
    let postgres: PostgresServer;
    let cluster: Awaited<ReturnType<typeof startCluster>>;
    let starling: Starling;
    let releases: { first: ReleaseView; second: ReleaseView };
    let agents: AgentProcess[];
    /** Of the first process, and of the broker. */
    let tls: string;
    let brokerFolder: string;

    const authorityFiles = () => ({ certificate: join(tls, 'authority.pem'), key: join(tls, 'authority-key.pem') });
    const authorities = (): string => join(brokerFolder, 'authorities.pem');
    /** Whatever the fleet may sign the certificate of the broker with, its processes believe. */
    const trustAtBroker = async (): Promise<void> => {
      const known = await Promise.all(['authority.pem', 'next.pem'].map((name) => readFile(join(tls, name), 'utf8').catch(() => '')));
      await writeFile(authorities(), known.join('\n'));
    };

    beforeAll(async () => {
      postgres = await startPostgres(program);
      const flags = { 'build-methods': 'source' };
      cluster = await startCluster({
        ...{ processes: 2, postgres, flags },
        // Everything over TLS: the authority of the fleet is there before anything else, and has signed the certificate of the broker.
        async startBroker(_port, dataDirectory) {
          await openCertificates({ directory: dataDirectory, clock: systemClock, ids: systemIds, names: [] });
          tls = join(dataDirectory, 'tls');
          brokerFolder = await mkdtemp(join(tmpdir(), 'starling-broker-'));
          await trustAtBroker();
          return startDeviceMosquitto(mosquitto, { ...(await signBroker(brokerFolder, authorityFiles())), authorities: authorities() });
        },
      });
      starling = createStarling(cluster.folder, cluster.folder);
      await writeFile(join(cluster.folder, 'root.json'), JSON.stringify(cluster.keys.root), { mode: 0o600 });
      releases = {
        first: await publishMapRelease(cluster, mapModel(1, { width: 32 }), 0),
        second: await publishMapRelease(cluster, mapModel(2, { width: 32 }), 1),
      };
      await Promise.all([cluster.untilHears(0, SHARDS / 2), cluster.untilHears(1, SHARDS / 2)]);
      agents = [];
      for (const name of ['one', 'two', 'three']) agents.push(await cluster.startAgent(name, releases.first));
      for (const { ready } of agents) await untilRuns(ready.device, releases.first);
    }, 2 * END_MS);
    afterAll(async () => {
      await cluster?.stop();
      await postgres?.stop();
      if (brokerFolder !== undefined) await rm(brokerFolder, { recursive: true, force: true });
    });

    const run = (at: string, ...words: string[]) => starling.run(['--fleet', at, '--token', cluster.token, ...words]);
    const device = (id: string): Promise<DeviceView> => cluster.client.call(api.showDevice, { params: { id } });
    const untilRuns = (id: string, release: ReleaseView): Promise<unknown> =>
      until(
        `${id} runs ${release.name}`,
        async () => (await device(id)).reported?.running?.release === release.digest,
        END_MS,
        async () => JSON.stringify((await device(id)).reported),
      );
    const ping = async (process: number, id: string): Promise<string> => {
      const body = { name: 'ping', arguments: {}, waitMs: 20_000 } as const;
      return (await cluster.clientOf(process).call(api.commandDevice, { params: { id }, body })).status;
    };
    /** Whoever lost the broker comes back when its turn is: one that does not answer at once is asked again. */
    const everybodyAnswers = async (processes: readonly number[]): Promise<void> => {
      for (const process of processes)
        for (const { ready } of agents)
          await until(`${ready.device} answers process ${process}`, async () => (await ping(process, ready.device)) === 'done', END_MS / 2);
    };

    describe('starling fleet processes', () => {
      const listed = async (at: string): Promise<ResponseOf<typeof api.listProcesses>> => {
        const { exitCode, stdout } = await run(at, 'fleet', 'processes', '--json');
        expect(exitCode).toBe(0);
        return JSON.parse(stdout);
      };
      const untilShares = (process: number, shares: readonly number[]): Promise<ProcessView[]> =>
        until(
          `the shares are ${shares}`,
          async () => {
            const { items } = await listed(cluster.baseUrlOf(process));
            return String(items.map(({ shards }) => shards)) === String(shares) && items;
          },
          60_000,
          async () => JSON.stringify(await listed(cluster.baseUrlOf(process))),
        );

      test('tells who serves the fleet, who has answered, and what becomes of the share of one that is killed', {
        timeout: END_MS,
      }, async () => {
        const both = await untilShares(0, [SHARDS / 2, SHARDS / 2]);
        expect(both.flatMap(({ duties }) => duties).toSorted()).toEqual(['house', 'measuring', 'operators']);
        const first = both.find(({ answers }) => answers)?.id;
        const second = (await listed(cluster.baseUrlOf(1))).items.find(({ answers }) => answers)?.id;
        expect(new Set([first, second])).toEqual(new Set(both.map(({ id }) => id)));
        const { stdout, stderr } = await run(cluster.baseUrlOf(0), 'fleet', 'processes');
        const lines = stdout.trim().split('\n');
        expect(lines[0]).toMatch(/^PROCESS +SHARDS +DOES FOR ALL/);
        expect(lines.find((line) => line.startsWith(first ?? '-'))).toMatch(/ 16 .*has answered$/);
        expect(lines.find((line) => line.startsWith(second ?? '-'))).not.toContain('has answered');
        expect(stderr).not.toContain('heard by nobody');

        await cluster.kill(1);
        // The leases of the dead one run out first: until then its shards are its own, or nobody's.
        const [left] = await untilShares(0, [SHARDS]);
        expect(left).toMatchObject({ id: first, answers: true });
        expect(left?.duties.toSorted()).toEqual(['house', 'measuring', 'operators']);
        expect((await run(cluster.baseUrlOf(1), 'fleet', 'processes')).exitCode).not.toBe(0);
        await everybodyAnswers([0]);

        await cluster.start(1);
        const again = await untilShares(1, [SHARDS / 2, SHARDS / 2]);
        expect(again.map(({ id }) => id)).toContain(first);
        expect(again.map(({ id }) => id)).not.toContain(second);
        await everybodyAnswers([0, 1]);
      });
    });

    describe('replacing keys', () => {
      const rotate = async (...words: string[]): Promise<{ root: { authorities: string[] } }> => {
        const { exitCode, stdout, stderr } = await run(
          cluster.baseUrl,
          'key',
          'rotate',
          ...words,
          '--root-key',
          join(cluster.folder, 'root.json'),
          '--json',
        );
        expect([exitCode, stderr]).toEqual([0, expect.anything()]);
        return JSON.parse(stdout);
      };
      /** @returns why it is refused */
      const dropOld = async (process: number): Promise<string> => {
        const words = ['key', 'rotate', '--tls', '--drop-old', '--root-key', join(cluster.folder, 'root.json')];
        const { exitCode, stderr } = await run(cluster.baseUrlOf(process), ...words);
        expect(exitCode).not.toBe(0);
        return stderr;
      };
      const kidOf = async (process: number): Promise<string> => (await cluster.clientOf(process).call(api.fleetKey, {})).key.kid;
      const untilBothHave = (kid: string): Promise<unknown> =>
        until('both sign with the new key', async () => (await kidOf(0)) === kid && (await kidOf(1)) === kid, 60_000);
      const shownBy = async (process: number): Promise<string | undefined> => {
        const shown = await certificateAt(cluster.httpsPortOf(process));
        const { authorities } = await cluster.clientOf(process).call(api.listAuthorities, {});
        return authorities.find(({ certificate }) => shown.verify(new X509Certificate(certificate).publicKey))?.digest;
      };

      test('the fleet key: all processes sign with the new one, also one that was away', { timeout: 2 * END_MS }, async () => {
        const before = await kidOf(0);
        await rotate('--fleet-key');
        const kids = await Promise.all([kidOf(0), kidOf(1)]);
        const after = kids.find((kid) => kid !== before) ?? expect.unreachable();
        await untilBothHave(after);
        await everybodyAnswers([0, 1]);
        for (const [index, { ready }] of agents.entries())
          await cluster
            .clientOf(index % 2)
            .call(api.assignDevice, { params: { id: ready.device }, body: { release: releases.second.digest } });
        for (const { ready } of agents) await untilRuns(ready.device, releases.second);

        await cluster.kill(1);
        await rotate('--fleet-key');
        const third = await kidOf(0);
        expect([before, after]).not.toContain(third);
        await cluster.start(1);
        await untilBothHave(third);
        await Promise.all([cluster.untilHears(0, SHARDS / 2), cluster.untilHears(1, SHARDS / 2)]);
        await everybodyAnswers([0, 1]);
        // What is known of the two that went is that they are retired.
        const late = await cluster.startAgent('late', releases.first);
        agents.push(late);
        await untilRuns(late.ready.device, releases.first);
      });

      test('the certificate authority: a process that is killed while it stores the root leaves nothing of it behind', {
        timeout: 2 * END_MS,
      }, async () => {
        const old = await shownBy(0);
        await cluster.client.call(api.prepareAuthority, { body: {} });
        const versions = async (): Promise<number> => (await cluster.client.call(api.listRoots, { query: { from: 1 } })).roots.length;
        const before = await versions();
        const client = postgresClient(postgres.url, { max: 2 });
        // It comes as far as what its processes share, waits there, and is killed.
        const rotating = await client.begin(async (held) => {
          await held`select 1 from fleet_secrets where name = 'tls/authority.pem' for update`;
          const rootKey = join(cluster.folder, 'root.json');
          const ended = run(cluster.baseUrlOf(0), 'key', 'rotate', '--tls', '--root-key', rootKey);
          await until('the process waits for the row', async () => {
            const [row] = await client`select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock'`;
            return row?.['waiting'] > 0;
          });
          await cluster.kill(0);
          return { ended };
        });
        await client.end();
        expect((await rotating.ended).exitCode).not.toBe(0);
        for (const process of [0, 1, 0]) {
          await cluster.kill(process);
          await cluster.start(process);
        }
        expect(await Promise.all([shownBy(0), shownBy(1)])).toEqual([old, old]);
        expect(await versions()).toBe(before);
        await Promise.all([cluster.untilHears(0, SHARDS / 2), cluster.untilHears(1, SHARDS / 2)]);
        await everybodyAnswers([0, 1]);
      });

      test('the certificate authority: processes start again one after the other, and nobody is left behind', {
        timeout: 2 * END_MS,
      }, async () => {
        const old = await shownBy(0);
        const { root } = await rotate('--tls');
        expect(root.authorities).toHaveLength(2);
        const next = root.authorities.find((digest) => digest !== old) ?? expect.unreachable();
        expect(await Promise.all([shownBy(0), shownBy(1)])).toEqual([old, old]);
        await trustAtBroker();
        await cluster.kill(0);
        await cluster.start(0);
        expect(await Promise.all([shownBy(0), shownBy(1)])).toEqual([next, old]);
        await Promise.all([cluster.untilHears(0, SHARDS / 2), cluster.untilHears(1, SHARDS / 2)]);
        // Whoever enrols now may meet either, and the token pins the one of the process that made it.
        for (const name of ['between-1', 'between-2']) {
          const between = await cluster.startAgent(name, releases.first);
          agents.push(between);
          await untilRuns(between.ready.device, releases.first);
        }
        // One process and the broker show the old one still, whoever is asked.
        for (const at of [0, 1]) expect(await dropOld(at)).toMatch(/2 of 3 .*process .*, the broker at mqtts:/);
        await cluster.kill(1);
        await cluster.start(1);
        expect(await Promise.all([shownBy(0), shownBy(1)])).toEqual([next, next]);
        await Promise.all([cluster.untilHears(0, SHARDS / 2), cluster.untilHears(1, SHARDS / 2)]);
        // The broker follows: what the old one has signed is worth nothing soon.
        await until('the broker alone is in the way', async () => /1 of 3 .*: the broker at mqtts:/.test(await dropOld(0)), 60_000);
        await signBroker(brokerFolder, authorityFiles());
        await cluster.broker.kill();
        await cluster.broker.start();
        await everybodyAnswers([0, 1]);
        expect((await rotate('--tls', '--drop-old')).root.authorities).toEqual([next]);
        const last = await cluster.startAgent('last', releases.first);
        agents.push(last);
        await untilRuns(last.ready.device, releases.first);
        await everybodyAnswers([0, 1]);
      });
    });
  });
});

/** The certificate that a port shows to whoever comes. */
function certificateAt(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new StarlingError('not-found', 'the port shows no certificate'));
      else resolve(certificate);
    });
    socket.once('error', reject);
  });
}
