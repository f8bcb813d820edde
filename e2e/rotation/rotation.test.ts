import { X509Certificate } from 'node:crypto';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { api, type CommandView, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { freePorts } from '../harness/free-ports.ts';
import { type AgentProcess, startAgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const RECONNECT_MS = 120_000;

describe('keys and certificates are replaced while one device is connected and another is away', () => {
  let fleet: RunningFleet;
  let starling: Starling;
  let first: ReleaseView;
  let here: AgentProcess;
  let away: AgentProcess;
  let httpsPort = 0;

  beforeAll(async () => {
    // Ports of its own, and no tap between: what devices see is the fleet's own certificate.
    const [https = 0, mqtts = 0] = await freePorts(2);
    httpsPort = https;
    fleet = await startRunningFleet({ 'https-port': `${https}`, 'mqtts-port': `${mqtts}`, 'public-url': `https://127.0.0.1:${https}` });
    starling = createStarling(fleet.folder, fleet.folder);
    await writeFile(join(fleet.folder, 'root.json'), JSON.stringify(fleet.keys.root), { mode: 0o600 });
    first = await publishMapRelease(fleet, mapModel(1, { width: 64 }), 0);
    here = await fleet.startAgent('here', { release: first });
    away = await fleet.startAgent('away', { release: first });
    for (const { ready } of [here, away]) await fleet.untilRunning(ready.device, first);
    await away.kill();
  });
  afterAll(() => fleet?.stop());

  const rotateLine = (...args: string[]): string[] => {
    const login = ['--fleet', fleet.baseUrl, '--token', fleet.token];
    return [...login, 'key', 'rotate', ...args, '--root-key', join(fleet.folder, 'root.json')];
  };
  const rotate = (...args: string[]) => starling.json(rotateLine(...args));
  const command = (device: string, name: CommandView['name']): Promise<CommandView> =>
    fleet.client.call(api.commandDevice, { params: { id: device }, body: { name: name as 'ping', waitMs: 30_000 } });
  const untilOnline = (device: string, isOnline = true) =>
    until(
      `the device is ${isOnline ? 'there' : 'gone'}`,
      async () => (await fleet.device(device)).online === isOnline || undefined,
      RECONNECT_MS,
      () => [here, away].find(({ ready }) => ready.device === device)?.output() ?? '',
    );
  /** Digest of the authority that has signed what devices see. */
  const shownAuthority = async (): Promise<string | undefined> => {
    const peer = await certificateAt(httpsPort);
    const { authorities } = await fleet.client.call(api.listAuthorities, {});
    return authorities.find(({ certificate }) => peer.verify(new X509Certificate(certificate).publicKey))?.digest;
  };
  const fleetKid = async (): Promise<string> => (await fleet.client.call(api.fleetKey, {})).key.kid;

  test("the fleet's own key", async () => {
    const before = await fleetKid();
    const { root } = (await rotate('--fleet-key')) as { root: { keys: { fleet: { kid: string }[]; retired: { kid: string }[] } } };
    const after = await fleetKid();
    expect(after).not.toBe(before);
    expect([root.keys.fleet.map(({ kid }) => kid), root.keys.retired.map(({ kid }) => kid)]).toEqual([[after], [before]]);
    // Signed by the new key, of which the device has not heard.
    expect(await command(here.ready.device, 'ping')).toMatchObject({ status: 'done' });
    const second = await publishMapRelease(fleet, mapModel(2, { width: 64 }), 1);
    await fleet.assign(here.ready.device, second);
    await fleet.untilRunning(here.ready.device, second);
    away = await fleet.startAgent('away');
    await untilOnline(away.ready.device);
    await fleet.assign(away.ready.device, second);
    await fleet.untilRunning(away.ready.device, second);
    // Built under the old key, and named by the new one.
    const late = await fleet.startAgent('late', { release: first });
    await fleet.untilRunning(late.ready.device, first);
    await late.kill();
    await fleet.process.kill();
    await fleet.start();
    expect(await fleetKid()).toBe(after);
    await expect(access(join(fleet.folder, 'fleet', 'keys', 'fleet-key-next.json'))).rejects.toThrow();
    await away.kill();
  });

  test('its certificate authority', async () => {
    const { text: oldToken } = await fleet.client.call(api.createClaimToken, { body: { name: 'from before', uses: 1 } });
    const { root } = (await rotate('--tls')) as { root: { authorities: string[] } };
    expect(root.authorities).toHaveLength(2);
    expect(await shownAuthority()).toBe(root.authorities[1]);
    // Devices would believe nobody until it is started again.
    const early = await starling.failure(rotateLine('--tls', '--drop-old'));
    expect(early.error).toMatchObject({ code: 'authority-in-use', message: expect.stringMatching(/^1 of 1 .*this fleet$/) });
    expect((await starling.failure(rotateLine('--tls', '--force'))).error).toMatchObject({ code: 'usage', field: '--force' });
    await fleet.process.stop();
    await fleet.start();
    expect(await shownAuthority()).toBe(root.authorities[0]);
    await untilOnline(here.ready.device);
    expect(await command(here.ready.device, 'ping')).toMatchObject({ status: 'done' });
    away = await fleet.startAgent('away');
    await untilOnline(away.ready.device);
    // A token that pins the old one, which nobody has any more.
    const enrolled = await startAgentProcess({ dataDirectory: join(fleet.folder, 'enrolled'), token: oldToken });
    await untilOnline(enrolled.ready.device);
    await enrolled.kill();
    expect(await rotate('--tls', '--drop-old')).toMatchObject({ root: { authorities: [root.authorities[0]] } });
    await away.kill();
    away = await fleet.startAgent('away');
    await untilOnline(away.ready.device);
    const file = join(fleet.agentFolder('away'), 'authorities.json');
    await until('it trusts the new one alone', async () => JSON.parse(await readFile(file, 'utf8')).certificates.length === 1);
  });

  test('the key of a device, which keeps its id', async () => {
    const { device } = here.ready;
    const file = join(fleet.agentFolder('here'), 'device-key.json');
    const next = join(fleet.agentFolder('here'), 'device-key-next.json');
    const before = await readFile(file);
    const rotated = await command(device, 'rotate-key');
    const after = await readFile(file);
    expect(rotated).toMatchObject({ status: 'done', result: { publicKey: JSON.parse(after.toString()).key.x } });
    expect(JSON.parse(after.toString()).key.x).not.toBe(JSON.parse(before.toString()).key.x);
    const restart = async (): Promise<void> => {
      await here.kill();
      await untilOnline(device, false);
      here = await fleet.startAgent('here');
    };
    await restart();
    expect(here.ready.device).toBe(device);
    await untilOnline(device);
    const audit = await fleet.client.call(api.listAudit, { query: { search: 'device.rekey' } });
    expect(audit.items).toEqual([expect.objectContaining({ subject: device })]);
    // Whoever has kept a copy of the old key.
    await here.kill();
    await writeFile(file, before);
    await restart();
    await until('it is refused', () => here.output().includes('login is refused') || undefined);
    expect((await fleet.device(device)).online).toBe(false);
    // A power cut after the fleet has taken the new key, and before the device has put it in the place of the other.
    await here.kill();
    await writeFile(next, after, { mode: 0o600 });
    here = await fleet.startAgent('here');
    await untilOnline(device);
    expect(JSON.parse((await readFile(file)).toString()).key).toEqual(JSON.parse(after.toString()).key);
    await rm(next, { force: true });
    expect(await command(device, 'ping')).toMatchObject({ status: 'done' });
  });
});

/** The certificate that a port shows to whoever comes. */
function certificateAt(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('the port shows no certificate'));
      else resolve(certificate);
    });
    socket.once('error', reject);
  });
}
