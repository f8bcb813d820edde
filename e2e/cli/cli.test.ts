import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  actorSchema,
  claimTokenViewSchema,
  deviceViewSchema,
  fleetEventSchema,
  modelViewSchema,
  pageOf,
  parseClaimToken,
  pipelineViewSchema,
  readingSchema,
  releaseViewSchema,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { paintSign } from '../harness/picture.ts';
import { type AgentProcess, type FleetProcess, startAgentProcess, startFleetProcess } from '../harness/processes.ts';
import { createStarling, type Starling } from './starling.ts';

let folder: string;
let fleet: FleetProcess;
let agent: AgentProcess | undefined;
let starling: Starling;
let firstLogin: { email: string; password: string };

const [detection, recognition] = demoModels;
const publisherKey = (): string => join(folder, 'config', 'starling', 'keys', 'publisher.json');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-cli-'));
  await mkdir(join(folder, 'work'));
  fleet = await startFleetProcess({ dataDirectory: join(folder, 'fleet'), flags: { 'log-level': 'warn' } });
  if (fleet.ready.firstLogin === undefined) throw new Error('a new fleet has to make a first login');
  firstLogin = fleet.ready.firstLogin;
  starling = createStarling(join(folder, 'config'), join(folder, 'work'));
  for (const model of demoModels) await writeFile(join(folder, 'work', `${model.name}.yaml`), JSON.stringify(model.card));
  await writeFile(join(folder, 'work', 'read-signs.yaml'), JSON.stringify(readSigns));
});
afterAll(async () => {
  await agent?.stop();
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

function pushArguments(index: 0 | 1): string[] {
  const model = index === 0 ? detection : recognition;
  if (model === undefined) throw new Error('the demo has two models');
  const assets = Object.entries(model.assets ?? {}).flatMap(([name, file]) => ['--asset', `${name}=${file}`]);
  return ['model', 'push', model.file, '--name', model.name, '--version', model.version, '--card', `${model.name}.yaml`, ...assets];
}

describe('from nothing to a text that was read', () => {
  test('before a login, every command says how to get one', async () => {
    const { exitCode, error, stderr } = await starling.failure(['device', 'ls']);
    expect(exitCode).toBe(3);
    expect(error).toMatchObject({ code: 'not-signed-in', field: '--fleet' });
    expect(stderr).toMatch(/^error: .*\nfix: run "starling login/);
  });

  test('login trades a password for a token, in a file that only its owner reads', async () => {
    const args = ['login', '--fleet', fleet.ready.addresses.http, '--email', firstLogin.email, '--password-stdin'];
    const refused = await starling.failure(args, 'a wrong password\n');
    expect(refused).toMatchObject({ exitCode: 3, error: { code: 'sign-in-failed', field: '--email' } });
    const { exitCode, stdout } = await starling.run(args, { stdin: `${firstLogin.password}\n` });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(firstLogin.email) });
    const file = join(folder, 'config', 'starling', 'login.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(firstLogin.password);
    expect(actorSchema.parse(await starling.json(['whoami']))).toMatchObject({ role: 'admin', via: 'token' });
  });

  test('the keys are made here, and the root that names them is published', async () => {
    const early = await starling.failure(['token', 'create']);
    expect(early.error).toMatchObject({ code: 'no-root' });
    await starling.json(['key', 'create', '--root']);
    const root = JSON.parse(await readFile(join(folder, 'config', 'starling', 'keys', 'root.json'), 'utf8')) as { d: string; kid: string };
    const shown = await starling.run(['key', 'show', '--json']);
    expect(shown.stdout).not.toContain(root.d);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      root: { version: 1, demo: false },
      keys: [{ role: 'root', kid: root.kid }, { role: 'publisher' }, { role: 'fleet', file: null }],
    });
    expect(await starling.failure(['key', 'create', '--root'])).toMatchObject({ exitCode: 5, error: { code: 'root-exists' } });
  });

  test('both models are pushed, built and listed', async () => {
    const first = await starling.run([...pushArguments(0), '--wait', '--json']);
    expect(first.exitCode, first.stderr).toBe(0);
    // Where lines cannot move, progress is a few plain lines.
    expect(first.stderr).toMatch(/upload ch_PP-OCRv4_det_infer\.onnx.*\n(.*\n)*done build text-detection@4\.0\.0: fp32, int8\n/);
    const pushed = modelViewSchema.parse(JSON.parse(first.stdout));
    expect(pushed.artefacts.map(({ precision }) => precision)).toEqual(['fp32', 'int8']);
    modelViewSchema.parse(await starling.json([...pushArguments(1), '--wait']));
    const page = pageOf(modelViewSchema).parse(await starling.json(['model', 'ls', '--limit', '1']));
    expect(page).toMatchObject({ total: 2, limit: 1, offset: 0 });
    expect(pageOf(modelViewSchema).parse(await starling.json(['model', 'ls', '--all'])).items).toHaveLength(2);
    const byStart = modelViewSchema.parse(await starling.json(['model', 'show', pushed.digest.slice(0, 12)]));
    expect(byStart.digest).toBe(pushed.digest);
    expect(await starling.failure(pushArguments(0))).toMatchObject({ exitCode: 5, error: { code: 'version-exists', field: '--version' } });
  });

  test('pipeline and release are signed and registered', async () => {
    expect(await starling.json(['pipeline', 'check', 'read-signs.yaml'])).toEqual({ problems: [] });
    pipelineViewSchema.parse(await starling.json(['pipeline', 'push', 'read-signs.yaml']));
    const release = releaseViewSchema.parse(
      await starling.json(['release', 'create', 'read-signs-1', '--pipeline', 'read-signs', '--allow-output', 'readings']),
    );
    expect(release.document.policies.egress).toEqual({ outputs: ['readings'], edges: [], sinks: [] });
    expect(release.document.models.map(({ name, version }) => `${name}@${version}`)).toEqual([
      'text-detection@4.0.0',
      'text-recognition@4.0.0',
    ]);
    const quiet = await starling.run(['release', 'ls', '--quiet']);
    expect(quiet).toEqual({ exitCode: 0, stdout: 'read-signs-1\n', stderr: '' });
  });

  test('what the guide shows is accepted', async () => {
    const guide = await readFile(new URL('../../docs/guides/first-model.md', import.meta.url), 'utf8');
    const [card, pipeline] = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    await writeFile(join(folder, 'work', 'guide-card.yaml'), card ?? '');
    await writeFile(join(folder, 'work', 'find-text.yaml'), pipeline ?? '');
    expect(await starling.json(['pipeline', 'check', 'find-text.yaml'])).toEqual({ problems: [] });
    await writeFile(join(folder, 'work', 'none.onnx'), 'no model');
    const args = ['model', 'push', 'none.onnx', '--name', 'guide', '--version', '1.0.0', '--card', 'guide-card.yaml'];
    // The card is read before the file is sent: it is the file that is refused.
    expect(await starling.failure(args)).toMatchObject({ exitCode: 5, error: { field: 'model' } });
  });

  test('a device enrols with a claim token, takes the release and reads', { timeout: 400_000 }, async () => {
    const created = await starling.run(['token', 'create', '--label', 'site=here', '--quiet', '--token-only']);
    expect(created.exitCode, created.stderr).toBe(0);
    expect(parseClaimToken(created.stdout)).toBeDefined();
    agent = await startAgentProcess({ dataDirectory: join(folder, 'agent'), token: created.stdout.trim() });
    const used = pageOf(claimTokenViewSchema).parse(await starling.json(['token', 'ls']));
    expect(used.items).toMatchObject([{ usesLeft: 0, labels: { site: 'here' } }]);

    const link = await starling.run(['token', 'create', '--name', 'phone', '--link', '--quiet']);
    expect(link.stdout).toMatch(/^https?:\/\/[^/]+\/run\/#token=starling1\./);

    // By its name, as long as it lets devices in.
    await starling.json(['token', 'create', '--name', 'spare', '--token-only']);
    expect((await starling.run(['token', 'revoke', 'spare'])).exitCode).toBe(0);
    const again = await starling.failure(['token', 'revoke', 'spare']);
    expect(again).toMatchObject({ exitCode: 4, error: { code: 'not-found', hint: expect.stringContaining('token ls') } });

    await starling.json(['device', 'set', agent.ready.device, '--name', 'gate-3']);
    const assigned = await starling.run(['device', 'assign', 'gate-3', 'read-signs-1', '--wait', '--json']);
    expect(assigned.exitCode, assigned.stderr).toBe(0);
    expect(deviceViewSchema.parse(JSON.parse(assigned.stdout))).toMatchObject({ name: 'gate-3', reported: { phase: 'running' } });

    await writeFile(join(folder, 'work', 'sign.png'), await paintSign('GATE 42'));
    const read = z.object({ result: z.object({ outputs: z.object({ readings: z.array(readingSchema) }) }) });
    const { result } = read.parse(await starling.json(['device', 'infer', agent.ready.device.slice(0, 8), 'sign.png']));
    expect(result.outputs.readings.map(({ text }) => text.replaceAll(' ', ''))).toEqual(['GATE42']);
    expect((await starling.run(['device', 'infer', 'gate-3', 'sign.png'])).stdout).toMatch(/^TEXT +CONFIDENCE +BOX\nGATE ?42 /);

    expect(
      z.object({ roundTripMs: z.number(), uptimeMs: z.number() }).parse(await starling.json(['device', 'ping', 'gate-3'])).uptimeMs,
    ).toBeGreaterThan(0);
    expect(
      z.object({ lines: z.array(z.string()) }).parse(await starling.json(['device', 'logs', 'gate-3', '--lines', '5'])).lines.length,
    ).toBeGreaterThan(0);
  });

  test('events are followed until Ctrl-C', async () => {
    let ended = false;
    const follow = starling.run(['events', '--json'], { interruptAfter: /"catalogue"/ }).finally(() => {
      ended = true;
    });
    // What happens before the stream is open is not in it, so something goes on happening.
    for (let count = 1; !ended; count += 1) await starling.json(['release', 'create', `more-${count}`, '--pipeline', 'read-signs']);
    const { exitCode, stdout, stderr } = await follow;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
    for (const line of stdout.trim().split('\n')) fleetEventSchema.parse(JSON.parse(line));
  });

  test('a device that is shut out is gone at once', async () => {
    expect(await starling.failure(['device', 'revoke', 'gate-3'])).toMatchObject({
      exitCode: 2,
      error: { code: 'not-confirmed', field: '--yes' },
    });
    expect(deviceViewSchema.parse(await starling.json(['device', 'revoke', 'gate-3', '--yes']))).toMatchObject({
      status: 'revoked',
      online: false,
    });
    expect(await starling.failure(['device', 'ping', 'gate-3'])).toMatchObject({ exitCode: 5, error: { code: 'device-revoked' } });
  });
});

describe('what is wrong is named, with the way out', () => {
  const push = (file: string, ...more: string[]): string[] => [
    'model',
    'push',
    file,
    '--name',
    'wrong',
    '--version',
    '1.0.0',
    '--card',
    'text-detection.yaml',
    ...more,
  ];

  test.each([
    { what: 'no ONNX file', bytes: async () => Buffer.from('hello, I am no model'), exitCode: 5, error: { field: 'model' } },
    { what: 'an empty file', bytes: async () => Buffer.alloc(0), exitCode: 2, error: { code: 'bad-file', field: 'file' } },
    {
      what: 'a truncated file',
      bytes: async () => (await readFile(detection?.file ?? '')).subarray(0, 2_000_000),
      exitCode: 5,
      error: { field: 'model' },
    },
  ])('model push of $what', async ({ bytes, exitCode, error }) => {
    await writeFile(join(folder, 'work', 'wrong.onnx'), await bytes());
    const failed = await starling.failure(push('wrong.onnx'));
    expect(failed).toMatchObject({ exitCode, error });
    expect(failed.stderr).toMatch(/^fix: /m);
    expect(await starling.failure(['model', 'show', 'wrong'])).toMatchObject({ exitCode: 4 });
  });

  test('a model card without a field', async () => {
    await writeFile(join(folder, 'work', 'card.yaml'), 'title: Detection\n');
    const failed = await starling.failure([
      'model',
      'push',
      detection?.file ?? '',
      '--name',
      'wrong',
      '--version',
      '1.0.0',
      '--card',
      'card.yaml',
    ]);
    expect(failed).toMatchObject({
      exitCode: 2,
      error: { code: 'bad-document', field: 'licence', hint: 'add "licence: ..." to card.yaml' },
    });
  });

  test('key files: readable by others, of another form, of another person', async () => {
    const model = push(detection?.file ?? '');
    await chmod(publisherKey(), 0o644);
    expect(await starling.failure(model)).toMatchObject({
      exitCode: 2,
      error: { code: 'exposed-file', field: '--publisher-key', hint: `chmod 600 ${publisherKey()}` },
    });
    await chmod(publisherKey(), 0o600);
    const { d: _, ...half } = JSON.parse(await readFile(publisherKey(), 'utf8')) as Record<string, string>;
    await writeFile(join(folder, 'work', 'half.json'), JSON.stringify(half), { mode: 0o600 });
    const public_ = await starling.failure([...model, '--publisher-key', 'half.json']);
    expect(public_).toMatchObject({ exitCode: 2, error: { code: 'bad-key-file', message: expect.stringContaining('private part') } });
    await starling.json(['key', 'create', '--publisher', '--out', 'stranger.json']);
    expect(await starling.failure([...model, '--publisher-key', 'stranger.json'])).toMatchObject({
      exitCode: 5,
      error: { code: 'key-not-in-root' },
    });
  });

  test('a pipeline with a cycle, and one with a missing output', async () => {
    const cycle = {
      ...readSigns,
      version: '2.0.0',
      nodes: { ...readSigns.nodes, again: { op: 'image.resize' } },
      edges: [
        ...readSigns.edges.filter(({ to }) => to !== 'resize.image'),
        { from: 'resize.image', to: 'again.image' },
        { from: 'again.image', to: 'resize.image' },
      ],
    };
    await writeFile(join(folder, 'work', 'cycle.yaml'), JSON.stringify(cycle));
    const circular = await starling.failure(['pipeline', 'push', 'cycle.yaml']);
    expect(circular).toMatchObject({
      exitCode: 5,
      error: { code: 'pipeline-has-problems', message: expect.stringContaining('wait for each other: resize, ') },
    });
    await writeFile(
      join(folder, 'work', 'open.yaml'),
      JSON.stringify({ ...readSigns, version: '2.0.0', outputs: { ...readSigns.outputs, more: 'json' } }),
    );
    expect(await starling.failure(['pipeline', 'check', 'open.yaml'])).toMatchObject({ exitCode: 5, error: { field: 'outputs.more' } });
    expect(pageOf(pipelineViewSchema).parse(await starling.json(['pipeline', 'ls'])).total).toBe(1);
  });

  test.each([
    {
      what: 'an unknown token',
      args: ['whoami', '--token', `stl_${'a'.repeat(26)}_${'A'.repeat(32)}`],
      exitCode: 3,
      error: { code: 'not-signed-in', field: '--token' },
    },
    { what: 'a claim token in its place', args: ['whoami', '--token', 'starling1.abc'], exitCode: 2, error: { field: '--token' } },
    {
      what: 'no fleet there',
      args: ['whoami', '--fleet', 'http://localhost:1', '--token', 'stl_x'],
      exitCode: 6,
      error: { code: 'unreachable', field: '--fleet' },
    },
    { what: 'no address', args: ['whoami', '--fleet', 'localhost:8080'], exitCode: 2, error: { code: 'bad-address', field: '--fleet' } },
    {
      what: 'plain HTTP to another machine',
      args: ['whoami', '--fleet', 'http://fleet.example', '--token', 'stl_x'],
      exitCode: 2,
      error: { code: 'insecure-address' },
    },
    { what: 'an unknown device', args: ['device', 'show', 'nobody'], exitCode: 4, error: { code: 'not-found', field: 'device' } },
    { what: 'an unknown release', args: ['release', 'show', 'nothing'], exitCode: 4, error: { code: 'unknown-release' } },
    { what: 'a number out of range', args: ['token', 'create', '--uses', '0'], exitCode: 2, error: { field: '--uses' } },
    {
      what: 'an unknown command',
      args: ['modle'],
      exitCode: 2,
      error: { code: 'usage', field: 'modle', hint: expect.stringContaining('model') },
    },
    {
      what: 'a missing option',
      args: ['model', 'push', 'x.onnx'],
      exitCode: 2,
      error: { code: 'usage', hint: 'see "starling model push --help"' },
    },
  ])('$what', async ({ args, exitCode, error }) => {
    expect(await starling.failure(args)).toMatchObject({ exitCode, error });
  });
});

describe('people, tokens, keys and certificates', () => {
  test('an own authority is pinned after its fingerprint was compared, and an operator signs in without a token', async () => {
    const { password } = z
      .object({ password: z.string() })
      .parse(await starling.json(['user', 'create', '--email', 'op@example.org', '--name', 'Op', '--role', 'operator']));
    const operator = createStarling(join(folder, 'operator'), join(folder, 'work'));
    const args = ['login', '--fleet', fleet.ready.addresses.https, '--email', 'op@example.org', '--password-stdin'];
    const unknown = await operator.failure(args, password);
    expect(unknown).toMatchObject({ exitCode: 6, error: { code: 'untrusted-certificate', field: '--ca-fingerprint' } });
    const fingerprint = /[0-9a-f]{64}/.exec(unknown.stderr)?.[0] ?? '';
    const another = fingerprint.replace(/./, (digit) => (digit === '0' ? '1' : '0'));
    expect(await operator.failure([...args, '--ca-fingerprint', another], password)).toMatchObject({ exitCode: 6 });
    const { exitCode, stderr } = await operator.run([...args, '--ca-fingerprint', fingerprint], { stdin: password });
    expect(exitCode, stderr).toBe(0);
    // It stays pinned: the next login need not compare again.
    expect((await operator.run(args, { stdin: password })).exitCode).toBe(0);
    expect(await operator.json(['whoami'])).toMatchObject({ role: 'operator', via: 'session', fleet: fleet.ready.addresses.https });
    expect(await operator.failure(['api-token', 'ls'])).toMatchObject({ exitCode: 3, error: { code: 'forbidden' } });

    await starling.json(['user', 'remove', 'op@example.org']);
    expect(await operator.failure(['whoami'])).toMatchObject({ exitCode: 3, error: { code: 'not-signed-in' } });
  });

  test('an API token works from the environment, until it is revoked', async () => {
    const made = z
      .object({ token: z.object({ id: z.string() }), secret: z.string() })
      .parse(await starling.json(['api-token', 'create', '--name', 'ci', '--role', 'viewer']));
    const stranger = createStarling(join(folder, 'nobody'), join(folder, 'work'));
    const environment = { STARLING_FLEET: fleet.ready.addresses.http, STARLING_TOKEN: made.secret };
    expect(await stranger.run(['whoami', '--quiet'], { environment })).toMatchObject({
      exitCode: 0,
      stdout: 'token ci of admin@starling.local\n',
    });
    expect(await starling.json(['api-token', 'revoke', 'ci'])).toEqual({ revoked: made.token.id });
    expect(await starling.failure(['api-token', 'revoke', 'ci'])).toMatchObject({ exitCode: 4, error: { code: 'not-found' } });
    expect((await stranger.run(['whoami'], { environment })).exitCode).toBe(3);
  });

  test('a new root key is signed by the old one, which then signs nothing any more', async () => {
    const rotated = z.object({ version: z.number() }).parse(await starling.json(['key', 'rotate', '--root']));
    expect(rotated.version).toBe(2);
    const keys = join(folder, 'config', 'starling', 'keys');
    expect((await stat(join(keys, 'root.json'))).mode & 0o777).toBe(0o600);
    const old = join(keys, 'root.json.before-root-2');
    expect(await starling.failure(['key', 'publish', '--root-key', old])).toMatchObject({
      exitCode: 5,
      error: { code: 'key-not-in-root', field: '--root-key' },
    });
    await starling.json(['key', 'publish', '--publisher-key', 'stranger.json']);
    expect(await starling.json(['key', 'show'])).toMatchObject({ root: { version: 3 } });
  });

  test('every change is in the audit log, and logout revokes the token', async () => {
    const audit = z.object({ items: z.array(z.object({ action: z.string() })) }).parse(await starling.json(['audit', 'ls', '--all']));
    const actions = new Set(audit.items.map(({ action }) => action));
    for (const action of [
      'root.publish',
      'model.push',
      'pipeline.push',
      'release.create',
      'claim-token.create',
      'device.revoke',
      'user.create',
    ])
      expect(actions).toContain(action);
    const login = await readFile(join(folder, 'config', 'starling', 'login.json'), 'utf8');
    const token = /stl_[a-z2-7]{26}_[A-Za-z0-9_-]{32}/.exec(login)?.[0] ?? '';
    expect(await starling.json(['logout'])).toMatchObject({ revoked: true });
    expect(await starling.failure(['whoami', '--fleet', fleet.ready.addresses.http, '--token', token])).toMatchObject({ exitCode: 3 });
  });
});
