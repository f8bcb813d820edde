import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import type { ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const execute = promisify(execFile);
const DAY_MS = 86_400_000;

describeWith(['faketime', 'openssl'], 'a device whose clock is wrong', ({ faketime }) => {
  let fleet: RunningFleet;
  let release: ReleaseView;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publishMapRelease(fleet, mapModel(0), 0);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  /** What the wrapper sets, so that a process of ours can be started with it directly. */
  const clockAt = async (time: string): Promise<Record<string, string>> => {
    const { stdout } = await execute(faketime, ['-m', '-f', `@${time}`, 'env']);
    const set = Object.fromEntries(stdout.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]));
    return { LD_PRELOAD: set.LD_PRELOAD ?? '', FAKETIME: set.FAKETIME ?? '', DONT_FAKE_MONOTONIC: '1' };
  };

  test.for([
    ['at 1970', 'early', '1970-01-02 00:00:00'],
    ['years ahead', 'late', '2041-06-01 12:00:00'],
  ] as const)('%s: it enrols, runs, and its telemetry bears the time of the fleet', async ([, name, time]) => {
    const startedMs = Date.now();
    const environment = await clockAt(time);
    const agent = await fleet.startAgent(name, { release, environment });
    const id = agent.ready.device;
    await fleet.untilRunning(id, release);
    const body = new Uint8Array(await paintPlain(40, 90, 160));
    expect((await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body })).status).toBe(200);
    const records = await until('telemetry of the inference', async () => {
      const rows = await fleet.telemetry(id, 'inference');
      return rows.length > 0 && rows;
    });
    for (const { atMs, clock } of records) {
      expect(clock).toBe('trusted');
      expect(Math.abs(atMs - startedMs)).toBeLessThan(DAY_MS);
    }
    // And once more from the start, with what it has kept.
    await agent.stop();
    const again = await fleet.startAgent(name, { environment });
    await until('it is online again', async () => (await fleet.device(id)).online || undefined);
    await again.stop();
  });

  test('nobody hides behind wrong dates: an expired certificate of another authority is asked for public roots alone', async () => {
    const agent = await fleet.startAgent('early', { environment: await clockAt('1970-01-02 00:00:00') });
    await until('it is online', async () => (await fleet.device(agent.ready.device)).online || undefined);
    const { hostname, port } = new URL(fleet.process.ready.addresses.https);
    const authority = new X509Certificate(await readFile(join(fleet.folder, 'fleet', 'tls', 'authority.pem')));
    const [keyFile, certificateFile] = [join(fleet.folder, 'other-key.pem'), join(fleet.folder, 'other.pem')];
    // Named as the true authority is, for the true host, and expired for thirty years.
    const subject = `/${authority.subject.split('\n').join('/')}`;
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', subject];
    const files = ['-addext', `subjectAltName=IP:${hostname}`, '-keyout', keyFile, '-out', certificateFile];
    await execute(faketime, ['-f', '@2001-01-01 00:00:00', 'openssl', ...request, ...files]);
    await fleet.tap.close();
    let heard = '';
    let connections = 0;
    const [key, cert] = await Promise.all([readFile(keyFile), readFile(certificateFile)]);
    const other = createServer({ key, cert }, (socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (piece) => {
          heard += piece.toString('latin1');
        });
    });
    // Before TLS has anything to say.
    other.on('connection', () => {
      connections += 1;
    });
    other.listen(Number(port), hostname);
    await once(other, 'listening');
    await until('it is refused', () => agent.output().includes('another authority has signed it'), 30_000, agent.output);
    other.close();
    expect(connections).toBeGreaterThan(0);
    // A fleet may have replaced its authority. What it has signed says so, whoever brings it; nothing of the device goes there.
    expect(heard.replaceAll(/GET \/api\/v1\/trust\/roots\?from=\d+ HTTP\/1\.1\r\n(?:(?:Host|Connection): [^\r]*\r\n)*\r\n/g, '')).toBe('');
  });
});
