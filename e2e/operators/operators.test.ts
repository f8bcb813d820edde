import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, createTopics, parseClaimToken } from '@starling/shared';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { createProtocolDevice, type ProtocolDevice } from '../harness/protocol-device.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { type Listener, listen, type MqttLogin, publish } from './mosquitto-tools.ts';

const topics = createTopics();
const CROWD = 12;
/** Within which an answer that is sent again would have come. */
const QUIET_MS = 1_500;

describeWith(['mosquitto_pub'], "a person's own MQTT tools", () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let away: ProtocolDevice;
  let starling: Starling;
  let login: MqttLogin;
  let listener: Listener;

  const globals = () => ['--fleet', fleet.baseUrl, '--token', fleet.token];
  const createAccount = async (name: string, ...more: string[]): Promise<MqttLogin> => {
    const { password } = (await starling.json([...globals(), 'operator', 'create', name, ...more])) as { password: string };
    const port = Number(new URL(fleet.process.ready.addresses.mqtts).port);
    return { port, authorityFile: join(fleet.folder, 'fleet', 'tls', 'authority.pem'), account: name, password };
  };
  const command = (name: string, account = 'anna') => topics.build('operatorCommand', { account, name });
  const results = (account = 'anna') => `${topics.root}/operator/${account}/result/+`;
  const send = (name: string, request: object) => publish(login, command(name), JSON.stringify(request));

  beforeAll(async () => {
    fleet = await startRunningFleet();
    starling = createStarling(fleet.folder, fleet.folder);
    agent = await fleet.startAgent('agent');
    await fleet.client.call(api.changeDevice, { params: { id: agent.ready.device }, body: { labels: { site: 'north' } } });
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'away', uses: 1, labels: { site: 'south' } } });
    away = await createProtocolDevice(fleet.baseUrl);
    await away.enrol(parseClaimToken(text) ?? expect.unreachable());
    login = await createAccount('anna');
    listener = await listen(login, results());
  });
  afterAll(async () => {
    listener?.stop();
    await fleet?.stop();
  });

  test('command a device, and hear each step', async () => {
    const { device } = agent.ready;
    expect(await send('ping', { request: 'ping-1', device })).toEqual({ exitCode: 0, stderr: '' });
    const done = await listener.answer('ping-1', ({ status }) => status === 'done');
    expect(done).toMatchObject({ name: 'ping', device, result: { agentVersion: expect.any(String) } });
    const steps = listener.answers('ping-1').map(({ status }) => status);
    expect([steps[0], steps.at(-1)]).toEqual([expect.stringMatching(/queued|sent|accepted|done/), 'done']);
    const { items } = await fleet.client.call(api.listCommands, { params: { id: device }, query: {} });
    expect(items).toEqual([expect.objectContaining({ id: done.command, name: 'ping', issuer: expect.stringContaining('mqtt anna') })]);
    const audit = await fleet.client.call(api.listAudit, { query: { search: 'command.ping' } });
    expect(audit.items).toEqual([
      expect.objectContaining({
        actor: expect.stringContaining('anna'),
        subject: device,
        detail: expect.objectContaining({ account: 'anna', request: 'ping-1' }),
      }),
    ]);
  });

  test('may say the same again, which does nothing again, but nothing else under the same id', async () => {
    const { device } = agent.ready;
    const before = listener.answers('ping-1').length;
    await send('ping', { request: 'ping-1', device });
    await until('it is answered again', () => listener.answers('ping-1').length > before);
    expect(listener.answers('ping-1').at(-1)).toMatchObject({ status: 'done' });
    await send('logs', { request: 'ping-1', device });
    await listener.answer('ping-1', ({ status, error }) => status === 'refused' && error?.code === 'request-taken');
    const { total } = await fleet.client.call(api.listCommands, { params: { id: device }, query: {} });
    expect(total).toBe(1);
  });

  test('ask for captures too, and are told what the device says to that', async () => {
    const { device } = agent.ready;
    await send('capture', { request: 'capture-1', device, arguments: { edges: ['decode.image'], items: 5 } });
    const { error } = await listener.answer('capture-1', ({ status }) => status === 'failed');
    expect(error).toMatchObject({ code: 'no-release' });
    await send('capture', { request: 'capture-2', device, arguments: { edges: ['decode.image'], items: 0 } });
    await listener.answer('capture-2', ({ status }) => status === 'refused');
    await send('capture-stop', { request: 'capture-3', device, arguments: { capture: 'a'.repeat(26) } });
    expect(await listener.answer('capture-3', ({ status }) => status === 'done')).toMatchObject({ result: { stopped: false } });
  });

  test('command all that a selector means, with numbers that change, through a restart of the fleet', async () => {
    await send('identify', { request: 'all-1', select: 'has(labels.site)', arguments: { message: 'hello' }, lifeMinutes: 60 });
    const running = await listener.answer('all-1', ({ batch, counts }) => batch !== undefined && counts?.done === 1);
    expect(running).toMatchObject({ status: 'running', total: 2, counts: { done: 1, queued: 1 } });
    await listener.answer('all-1', ({ device, status }) => device === agent.ready.device && status === 'done');
    await fleet.process.kill();
    await fleet.start();
    listener.stop();
    listener = await listen(login, results());
    await send('cancel', { request: 'end-1', arguments: { request: 'all-1' } });
    await listener.answer('all-1', ({ batch, status }) => batch !== undefined && status === 'cancelled');
  });

  test('hear each step once, though many devices answer at the same moment', { timeout: 120_000 }, async () => {
    const stop = new AbortController();
    const crowd = starling.run([...globals(), 'simulate', '--devices', String(CROWD), '--rate', '50'], { interrupt: stop.signal });
    try {
      const online = () => fleet.client.call(api.listDevices, { query: { select: 'has(labels.simulated) && online', limit: 1 } });
      await until('the crowd is there', async () => (await online()).total === CROWD, 60_000);
      await send('ping', { request: 'crowd-1', select: 'has(labels.simulated)' });
      await listener.answer('crowd-1', ({ batch, status }) => batch !== undefined && status === 'done');
      const ended = () => listener.answers('crowd-1').filter(({ device, status }) => device !== undefined && status === 'done');
      await until('each has answered', () => new Set(ended().map(({ device }) => device)).size === CROWD);
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      const said = listener.answers('crowd-1').map(({ atMs: _atMs, ...answer }) => JSON.stringify(answer));
      expect(said.toSorted()).toEqual([...new Set(said)].toSorted());
      // Whoever asks is answered, though that is nothing new.
      await send('ping', { request: 'crowd-1', select: 'has(labels.simulated)' });
      await until('it is told again', () => listener.answers('crowd-1').length > said.length);
    } finally {
      stop.abort();
      await crowd;
    }
  });

  test.each<[string, string, string, object]>([
    ['no JSON', 'ping', '{"request": "bad-1"', { code: 'invalid-request', field: 'payload' }],
    [
      'a field that is none',
      'ping',
      '{"request": "bad-2", "devise": "x"}',
      { code: 'invalid-request', message: expect.stringContaining('devise') },
    ],
    ['neither device nor selector', 'ping', '{"request": "bad-3"}', { code: 'invalid-request', field: 'device' }],
    [
      'a command that is none',
      'pong',
      '{"request": "bad-4", "select": "online"}',
      { code: 'unknown-command', hint: expect.stringContaining('ping') },
    ],
    ['an unknown device', 'ping', `{"request": "bad-5", "device": "${'a'.repeat(26)}"}`, { code: 'not-found' }],
    [
      'bad arguments',
      'logs',
      '{"request": "bad-6", "select": "online", "arguments": {"lineCount": 0}}',
      { field: expect.stringContaining('lineCount') },
    ],
    [
      'a misspelt argument',
      'logs',
      '{"request": "bad-9", "select": "online", "arguments": {"lineCont": 5}}',
      { code: 'unknown-argument', field: 'arguments.lineCont', hint: 'did you mean "lineCount"?' },
    ],
    ['a bad selector', 'ping', '{"request": "bad-7", "select": "sitee == 1"}', { hint: expect.stringContaining('site') }],
    [
      'what came too late',
      'ping',
      '{"request": "bad-8", "select": "online", "notAfterMs": 1000}',
      { code: 'request-expired', field: 'notAfterMs' },
    ],
  ])('are told what is wrong with %s', async (_what, name, message, error) => {
    await publish(login, command(name), message);
    const id = /bad-[2-9]/.exec(message)?.[0] ?? 'unreadable';
    expect(await listener.answer(id, ({ status }) => status === 'refused')).toMatchObject({ error });
  });

  test('reach only what their account may', async () => {
    const bounded = await createAccount('north', '--select', 'site == "north"');
    const heard = await listen(bounded, results('north'));
    await publish(bounded, command('ping', 'north'), JSON.stringify({ request: 'a', device: away.id }));
    expect(await heard.answer('a', () => true)).toMatchObject({ status: 'refused', error: { code: 'out-of-scope', field: 'device' } });
    await publish(bounded, command('ping', 'north'), JSON.stringify({ request: 'b', select: 'true || online' }));
    await heard.answer('b', ({ status, total }) => status === 'done' && total === 1);
    // A mistake is told with its place in what was asked, not in what that is joined with.
    await publish(bounded, command('ping', 'north'), JSON.stringify({ request: 'd', select: 'online && sitee == "x"' }));
    const { error } = await heard.answer('d', () => true);
    expect(error).toMatchObject({ message: 'unknown name "sitee", at character 11 of "online && sitee == "x""' });
    heard.stop();
    const weak = await createAccount('weak', '--role', 'viewer');
    const told = await listen(weak, results('weak'));
    await publish(weak, command('ping', 'weak'), JSON.stringify({ request: 'a', device: away.id }));
    expect(await told.answer('a', () => true)).toMatchObject({ status: 'refused', error: { code: 'forbidden' } });
    told.stop();
    // Another's topics, a device's, and the id of a device as the client id.
    for (const topic of [
      command('ping'),
      topics.build('result', { device: agent.ready.device, id: 'x' }),
      topics.build('command', { device: away.id, name: 'ping' }),
    ])
      expect((await publish(bounded, topic, '{}')).exitCode, topic).not.toBe(0);
    for (const filter of [results(), `${topics.root}/d/+/command/+`, `${topics.root}/#`, '#', '$SYS/#']) {
      const refused = await listen(bounded, filter);
      refused.stop();
      expect(refused.topics()).toEqual([]);
    }
    await publish(bounded, command('ping', 'north'), JSON.stringify({ request: 'c', select: 'online' }), 'one', ['-i', agent.ready.device]);
    expect((await fleet.device(agent.ready.device)).online).toBe(true);
    expect((await publish({ ...bounded, account: 'anna' }, command('ping'), '{}')).stderr).toMatch(/not authori[sz]ed/i);
  });

  test('are slowed down, not cut off, when they ask too fast', async () => {
    const loud = await createAccount('loud');
    const heard = await listen(loud, results('loud'));
    const flood = Array.from({ length: 400 }, (_, index) => JSON.stringify({ request: `r${index}`, device: agent.ready.device })).join(
      '\n',
    );
    await publish(loud, command('ping', 'loud'), flood, 'lines');
    await until('some are refused', () =>
      Array.from({ length: 400 }, (_, index) => heard.answers(`r${index}`))
        .flat()
        .some(({ error }) => error?.code === 'too-many-requests'),
    );
    expect(heard.answers('r0')[0]?.status).not.toBe('refused');
    heard.stop();
  });

  test('end with their account', async () => {
    const list = (await starling.json([...globals(), 'operator', 'ls'])) as { items: { name: string; lastUsedAtMs: number | null }[] };
    expect(list.items.map(({ name }) => name).toSorted()).toEqual(['anna', 'loud', 'north', 'weak']);
    await starling.json([...globals(), 'operator', 'revoke', 'anna']);
    expect((await publish(login, command('ping'), '{}')).stderr).toMatch(/not authori[sz]ed/i);
    const again = await starling.failure([...globals(), 'operator', 'create', 'anna']);
    expect(again.error).toMatchObject({ code: 'name-taken' });
  });

  test('end with the token behind it, also those that stay connected', async () => {
    const { account, password, authorityFile } = await createAccount('brief');
    const options = { username: account, password, ca: await readFile(authorityFile), reconnectPeriod: 0 };
    const tool = await connectAsync(fleet.process.ready.addresses.mqtts, options);
    const closed = new Promise<void>((resolve) => tool.once('close', () => resolve()));
    const { items } = await fleet.client.call(api.listOperatorAccounts, { query: {} });
    const token = items.find(({ name }) => name === account)?.token ?? expect.unreachable();
    await fleet.client.call(api.revokeApiToken, { params: { id: token } });
    await closed;
  });
});
