import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type CommandView, diagnosticsSchema } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

describe('a device that nobody can walk to', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let starling: Starling;
  const markOf = (name: string): string => join(fleet.folder, name);

  beforeAll(async () => {
    fleet = await startRunningFleet();
    agent = await fleet.startAgent('agent', {
      flags: {
        'identify-command': `printf '%s' "$STARLING_MESSAGE" > ${join(fleet.folder, 'identified')}`,
        'reboot-command': `touch ${join(fleet.folder, 'rebooted')}`,
      },
    });
    starling = createStarling(fleet.folder, fleet.folder);
  });
  afterAll(() => fleet?.stop());

  const send = (name: 'diagnostics' | 'identify' | 'reboot', given: Record<string, unknown> = {}, waitMs = 20_000) =>
    fleet.client.call(api.commandDevice, { params: { id: agent.ready.device }, body: { name, arguments: given, waitMs } });
  const show = (id: string): Promise<CommandView> => fleet.client.call(api.showCommand, { params: { id } });
  const textOf = (name: string): Promise<string | undefined> => readFile(markOf(name), 'utf8').catch(() => undefined);

  test('uploads what helps to find the cause of a trouble, through a connection that is cut meanwhile', async () => {
    const open = await send('diagnostics', { lineCount: 500 }, 0);
    // Its parts are on the way, or not yet: either way they have to arrive.
    fleet.tap.cut();
    fleet.tap.mend();
    const done = await until('the diagnostics are here', async () => {
      const view = await show(open.id);
      return view.status === 'done' ? view : undefined;
    });
    expect(done.result).toEqual({ sizeBytes: expect.any(Number), upload: expect.objectContaining({ sizeBytes: done.result?.sizeBytes }) });
    const found = await fleet.client.call(api.showDiagnostics, { params: { id: done.id } });
    expect(found).toMatchObject({ kind: 'diagnostics', device: agent.ready.device, journal: { desired: null, good: null } });
    expect(found.log.join('\n')).toMatch(/"online"/);
    expect(JSON.stringify(found)).not.toMatch(/privateKey|"d":/);
  });

  test('writes them to a file from the command line, and lists what was asked', async () => {
    const global = ['--fleet', fleet.baseUrl, '--token', fleet.token];
    const file = markOf('found.json');
    await starling.json([...global, 'device', 'diagnostics', agent.ready.device, '--lines', '20', '--output', file]);
    expect(diagnosticsSchema.parse(JSON.parse(await readFile(file, 'utf8'))).log.length).toBeLessThanOrEqual(20);
    const listed = await starling.run([...global, 'command', 'ls', agent.ready.device]);
    expect(listed.stdout).toMatch(/diagnostics +done/);
  });

  test('shows itself, and reboots where its owner has allowed it', async () => {
    expect(await send('identify', { message: 'the one on the left; $(touch nothing)' })).toMatchObject({ status: 'done' });
    expect(await textOf('identified')).toBe('the one on the left; $(touch nothing)');
    expect(await send('reboot')).toMatchObject({ status: 'done', result: { inMs: expect.any(Number) } });
    await until('it reboots', async () => ((await textOf('rebooted')) === undefined ? undefined : true));
    const other = await fleet.startAgent('other');
    const refused = await fleet.client.call(api.commandDevice, {
      params: { id: other.ready.device },
      body: { name: 'reboot', waitMs: 20_000 },
    });
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'not-allowed', hint: expect.stringContaining('--reboot-command') } });
  });

  test('ends a command that is cancelled: one that it works on, and one that it never got', async () => {
    const slow = await fleet.startAgent('slow', { flags: { 'identify-command': 'sleep 60' } });
    const { device } = slow.ready;
    const identify = () => fleet.client.call(api.commandDevice, { params: { id: device }, body: { name: 'identify' } });
    const cancel = (id: string) => fleet.client.call(api.cancelCommand, { params: { id } });
    const listed = async () => (await fleet.client.call(api.listCommands, { params: { id: device }, query: {} })).items;
    const open = await identify();
    await until('it has begun', async () => ((await show(open.id)).status === 'accepted' ? true : undefined));
    expect(await cancel(open.id)).toMatchObject({ status: 'cancelled', finishedAtMs: expect.any(Number) });
    await expect(cancel(open.id)).rejects.toMatchObject({ code: 'command-ended' });
    const told = await until('the device was told', async () =>
      (await listed()).find(({ name, status }) => name === 'cancel' && status === 'done'),
    );
    expect(told).toMatchObject({ arguments: { command: open.id }, result: { cancelled: true } });

    await slow.stop();
    await until('it is away', async () => ((await fleet.device(device)).online ? undefined : true));
    const queued = await identify();
    expect(await cancel(queued.id)).toMatchObject({ status: 'cancelled' });
    await fleet.startAgent('slow');
    await until('it is back', async () => ((await fleet.device(device)).online ? true : undefined));
    await until('it answers', async () => {
      const pong = await fleet.client.call(api.commandDevice, { params: { id: device }, body: { name: 'ping', waitMs: 5000 } });
      return pong.status === 'done' ? true : undefined;
    });
    expect(await show(queued.id)).toMatchObject({ status: 'cancelled', result: null });
  });
});
