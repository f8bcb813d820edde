import { spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { api } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childEnvironment } from '../harness/config.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';

const program = fileURLToPath(new URL('../../agent/src/node/main.ts', import.meta.url));

describe('the program of the agent', () => {
  let fleet: RunningFleet;
  beforeAll(async () => {
    fleet = await startRunningFleet();
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  interface Ended {
    code: number | null;
    out: string;
    error: string;
  }
  const run = (args: string[], { input = '', environment = {} }: { input?: string; environment?: Record<string, string> } = {}) =>
    new Promise<Ended>((resolve) => {
      const child = spawn(process.execPath, [program, ...args], { env: childEnvironment(environment) });
      const [out, error]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (piece: Buffer) => out.push(piece));
      child.stderr.on('data', (piece: Buffer) => error.push(piece));
      child.on('close', (code) => resolve({ code, out: Buffer.concat(out).toString(), error: Buffer.concat(error).toString() }));
      child.stdin.end(input);
    });
  const claim = async (change: { requireApproval?: boolean } = {}): Promise<string> =>
    (await fleet.client.call(api.createClaimToken, { body: { name: 'program', uses: 1, ...change } })).text;
  const folder = (name: string): string[] => ['--data-directory', fleet.agentFolder(name)];

  test('enrols with a token from a file, from standard input, and from the environment', async () => {
    const file = join(fleet.folder, 'token');
    await writeFile(file, `${await claim()}\n`);
    const [first, second, third] = await Promise.all([
      run(['enrol', ...folder('by-file'), '--token-file', file, '--json']),
      run(['enrol', ...folder('by-stdin'), '--token-file', '-', '--json'], { input: `${await claim()}\n` }),
      run(['enrol', ...folder('by-environment')], { environment: { STARLING_TOKEN: await claim({ requireApproval: true }) } }),
    ]);
    expect(JSON.parse(first.out)).toMatchObject({ status: 'active', device: expect.any(String) });
    expect(JSON.parse(second.out)).toMatchObject({ status: 'active' });
    expect(third.out).toContain('an operator has to approve it');
    expect((await readdir(fleet.agentFolder('by-file'))).sort()).toEqual(expect.arrayContaining(['device-key.json', 'enrolment.json']));
  });

  test.for([
    ['nothing', [], {}, 'there is no claim token', 'field: token'],
    ['a file that is not there', ['--token-file', '/nowhere/token'], {}, 'cannot be read', 'field: tokenFile'],
    ['a text that is none', ['--token-file', '-'], { input: 'starling1.nonsense' }, 'this is no claim token', 'field: token'],
  ] as const)('given %s as a token says what is missing, and leaves no key', async ([what, args, options, message, field]) => {
    const { code, error } = await run(['enrol', ...folder(`refused ${what}`), ...args], options);
    expect(code).toBe(1);
    expect(error).toContain(message);
    expect(error).toContain(field);
    expect(await readdir(fleet.agentFolder(`refused ${what}`))).not.toContain('device-key.json');
  });

  test('takes no token as an argument, which every process could read', async () => {
    const { code, error } = await run(['enrol', ...folder('by-argument'), '--token', await claim()]);
    expect(code).toBe(1);
    expect(error).toContain("unknown option '--token'");
  });

  test('says how it is while it runs, and that it does not when it does not', async () => {
    expect(await run(['status', ...folder('runs')])).toMatchObject({ code: 1, error: expect.stringContaining('no agent has run in') });
    const agent: AgentProcess = await fleet.startAgent('runs');
    await expect.poll(async () => (await run(['status', ...folder('runs'), '--json'])).code, { timeout: 30_000 }).toBe(0);
    const { out } = await run(['status', ...folder('runs'), '--json']);
    expect(JSON.parse(out)).toMatchObject({ device: agent.ready.device, httpPort: agent.ready.httpPort, reported: { phase: 'idle' } });
    expect((await run(['status', ...folder('runs')])).out).toMatch(/^fleet +\w+$/m);
    await agent.kill();
    expect(await run(['status', ...folder('runs')])).toMatchObject({
      code: 1,
      error: expect.stringContaining('does not run at the moment'),
    });
  });

  test('finds what is wrong with it', async () => {
    type Findings = { check: string; ok: boolean; detail: string }[];
    const healthy = await run(['doctor', ...folder('runs'), '--json']);
    const found: Findings = JSON.parse(healthy.out);
    expect(found.map(({ check }) => check)).toEqual(['data directory', 'device key', 'clock', 'disk', 'fleet', 'engine']);
    expect([healthy.code, found.filter(({ ok }) => !ok)]).toEqual([0, []]);
    const { code, out } = await run(['doctor', ...folder('refused nothing'), '--json']);
    const broken = (JSON.parse(out) as Findings).filter(({ ok }) => !ok);
    expect([code, broken.map(({ check }) => check)]).toEqual([1, ['device key', 'fleet']]);
    for (const { detail } of broken) expect(detail).toContain('starling-agent enrol');
    fleet.tap.cut();
    const cut = await run(['doctor', ...folder('runs')]);
    fleet.tap.mend();
    expect([cut.code, cut.out]).toEqual([1, expect.stringMatching(/^FAIL {2}fleet /m)]);
  });
});
