import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { api, type DeviceView, verifyDocument } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { readOrMakeKeys } from '../demo/kept.ts';
import { freePorts } from '../harness/free-ports.ts';
import { createOperator, makeApiToken, type Operator } from '../harness/operator.ts';
import { type FleetProcess, startFleetProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { openSecondNetwork, type SecondNetwork } from './second-network.ts';

const execute = promisify(execFile);
const HOUR_MS = 3_600_000;

describeWith(['curl', 'ip'], 'an agent is installed on another machine by the printed command', ({ ip }) => {
  let folder: string;
  let network: SecondNetwork | undefined;
  let fleet: FleetProcess;
  let operator: Operator;
  let agent: ChildProcess | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-install-'));
    network = await openSecondNetwork(ip, 'starlingtest');
    const [port = 0] = await freePorts(1);
    const host = network?.hostAddress ?? '127.0.0.1';
    fleet = await startFleetProcess({
      dataDirectory: join(folder, 'fleet'),
      flags: { 'https-port': `${port}`, 'public-url': `https://${host}:${port}` },
    });
    const { addresses, firstLogin } = fleet.ready;
    const token = await makeApiToken(addresses.http, firstLogin ?? { email: '', password: '' }, 'test');
    operator = createOperator({ baseUrl: addresses.http, token, keys: await readOrMakeKeys(join(folder, 'keys')) });
    await operator.publishRoot({ nowMs: Date.now(), lifeMs: 24 * HOUR_MS, demo: true });
  });
  afterAll(async () => {
    agent?.kill('SIGKILL');
    await fleet?.stop();
    await network?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs shell text as the other machine would: its own network, an empty environment, no Node on the path. */
  const onOtherMachine = (script: string, cwd: string) => {
    const [program, ...args] = [...(network?.enter ?? []), 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'sh', '-c', script];
    return execute(program as string, args, { cwd, maxBuffer: 16 * 1024 * 1024 });
  };
  const install = async (name: string): Promise<{ command: string; cwd: string; root: string }> => {
    const { installCommand } = await operator.client.call(api.createClaimToken, { body: { name, install: true } });
    const cwd = await mkdtemp(join(folder, `${name}-`));
    return { command: (installCommand ?? '').replace('sudo ', ''), cwd, root: join(cwd, 'root') };
  };

  test('it fetches, verifies, installs and enrols; the device then comes online with the Node that it brought', async () => {
    const { command, cwd, root } = await install('camera');
    await onOtherMachine(`${command} --root ${root}`, cwd);

    const state = join(root, 'var/lib/starling');
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    expect((await readdir(join(root, 'opt/starling'))).sort()).toEqual(['current', 'versions']);
    const [device] = (await operator.client.call(api.listDevices, { query: { limit: 10, offset: 0, sort: 'name' } })).items;
    expect(device?.status).toBe('active');

    const [program, ...args] = [
      ...(network?.enter ?? []),
      ...['env', '-i', 'PATH=/usr/bin:/bin', `HOME=${root}`, join(root, 'opt/starling/current/bin/starling-agent')],
      ...['run', '--data-directory', state, '--http-port', '0'],
    ];
    agent = spawn(program as string, args, { stdio: 'ignore' });
    const online = await waitFor(async () => {
      const view: DeviceView = await operator.client.call(api.showDevice, { params: { id: device?.id ?? '' } });
      return view.online ? view : undefined;
    });
    expect(online.capabilities.runtimeVersions.node).toBe(process.versions.node);
  });

  test('a package that was changed on the way is refused, and nothing is installed', async () => {
    const { command, cwd, root } = await install('tampered');
    const store = join(folder, 'fleet/packages');
    // All, so that the test holds on either architecture.
    const files = (await readdir(store)).filter((name) => name.endsWith('.tar.gz'));
    const originals = new Map<string, Buffer>();
    for (const name of files) {
      const bytes = await readFile(join(store, name));
      originals.set(name, bytes);
      const changed = Buffer.from(bytes);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      await writeFile(join(store, name), changed);
    }
    expect(files).toHaveLength(2);
    const failed = await onOtherMachine(`${command} --root ${root}`, cwd).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('does not have the digest') });
    expect(existsSync(join(root, 'opt/starling/current'))).toBe(false);
    for (const [name, bytes] of originals) await writeFile(join(store, name), bytes);
  });

  test('each package is signed by the fleet key of the root, over the facts of that very file', async () => {
    const { packages } = await operator.client.call(api.listAgentPackages, {});
    const { root } = await operator.client.call(api.settings, {});
    expect(packages.map(({ platform }) => platform)).toEqual(['linux-x64', 'linux-arm64']);
    for (const each of packages) {
      const served = await (await fetch(`${fleet.ready.addresses.http}/api/v1/agent/packages/${each.file}/signature`)).text();
      const schema = z.object({ digest: z.string(), file: z.string(), fleetId: z.string() });
      const checks = { kind: 'agent-package' as const, keys: root?.keys.fleet ?? [], schema, maximumBytes: 65_536 };
      for (const jws of [served, each.signed]) {
        expect(await verifyDocument(jws, checks)).toEqual({ digest: each.digest, file: each.file, fleetId: root?.fleetId });
      }
      const bytes = await readFile(join(folder, 'fleet/packages', each.file));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(each.digest);
    }
    const script = await (await fetch(`${fleet.ready.addresses.http}/api/v1/agent/install.sh`)).text();
    expect(script).toContain(`\nkey='${root?.keys.fleet[0]?.x}'\n`);
  });

  test('an installer that was changed on the way is not run', async () => {
    const { command, cwd, root } = await install('forged');
    const forged = command.replace(/\/api\/v1\/agent\/install\.sh/, '/api/v1/trust/roots');
    const failed = await onOtherMachine(`${forged} --root ${root}`, cwd).catch((error: { code: number }) => error);
    expect(failed).toMatchObject({ code: 1 });
    expect(existsSync(root)).toBe(false);
  });

  test('the installer names a wrong option and says what to do', async () => {
    const { command, cwd } = await install('option');
    const failed = await onOtherMachine(`${command} --nonsense`, cwd).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/unknown option --nonsense[\s\S]*fix: see --help/) });
  });
});

async function waitFor<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  const until = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error('it did not happen within a minute');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
