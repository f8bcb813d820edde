import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../harness/requires.ts';

const execute = promisify(execFile);
const installer = fileURLToPath(new URL('../../fleet/src/packages/install.sh', import.meta.url));
/** Of 10, as systemd counts what a service could do; 9.6 is one without any hardening, and below 5 is called medium. */
const EXPOSURE_MAXIMUM = 3;

describeWith(['systemd-analyze'], 'the systemd unit of an agent', ({ 'systemd-analyze': analyze }) => {
  let folder: string;
  let unit: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-unit-'));
    file = join(folder, 'starling-agent.service');
    const program = join(folder, 'current/bin/starling-agent');
    await mkdir(join(program, '..'), { recursive: true });
    await writeFile(program, '#!/bin/sh\n');
    await chmod(program, 0o755);
    const script = join(folder, 'install.sh');
    await writeFile(script, (await readFile(installer, 'utf8')).replace('@URL@', 'https://fleet.example'));
    unit = (await execute('sh', [script, '--print-unit', '--prefix', folder, '--state', '/var/lib/starling', '--user', 'root'])).stdout;
    await writeFile(file, unit);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('has only settings that systemd knows', async () => {
    const { stdout, stderr } = await execute(analyze, ['verify', '--man=no', file]);
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('starling-agent.service'));
    // Longer and longer pauses came with systemd 254; an older one passes over them, and waits two seconds each time.
    expect(said.filter((line) => !/Unknown key '?Restart(MaxDelaySec|Steps)/.test(line))).toEqual([]);
  });

  test('leaves the agent little that it could do beyond its work', async () => {
    const options = ['security', '--no-pager', '--offline=true', '--json=short', file];
    const { stdout } = await execute(analyze, [...options, `--threshold=${EXPOSURE_MAXIMUM * 10}`]);
    expect(JSON.parse(stdout).length).toBeGreaterThan(50);
  });

  test('waits to be told that the agent is up, watches it, and starts it again for ever', () => {
    const settings = Object.fromEntries(unit.split('\n').flatMap((line) => (line.includes('=') ? [line.split(/=(.*)/s).slice(0, 2)] : [])));
    expect(settings).toMatchObject({ Type: 'notify', Restart: 'always', StartLimitIntervalSec: '0', WatchdogSec: '60' });
    expect(settings).toMatchObject({ NoNewPrivileges: 'yes', CapabilityBoundingSet: '', ProtectSystem: 'strict', UMask: '0077' });
    expect(settings.ReadWritePaths).toBe('/var/lib/starling');
    // Cameras and GPUs stay within reach.
    for (const shut of ['ProtectClock', 'PrivateDevices', 'DevicePolicy', 'DeviceAllow']) expect(settings).not.toHaveProperty(shut);
  });
});
