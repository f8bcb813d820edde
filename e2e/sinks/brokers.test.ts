import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { openCredentials } from '../../agent/src/node/credentials.ts';
import { systemRandom } from '../../agent/src/node/ids.ts';
import { createLog } from '../../agent/src/node/log.ts';
import { createSinks, type OpenSinks, type Sinks } from '../../agent/src/node/sinks/index.ts';
import { createPushEndpoints, createSources, type Sources } from '../../agent/src/node/sources/index.ts';
import { openGate } from '../cluster/gate.ts';
import { type Mosquitto, startMosquitto } from '../harness/mosquitto.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { parseDiscovery } from './home-assistant-schema.ts';

const PASSWORD = 's3cret-of-the-broker';
const device = 'a'.repeat(26);
const item = { stream: 'gate', sequence: 0, timeMs: 0 };
const sinkProgram = fileURLToPath(new URL('sink-process.ts', import.meta.url));

describeWith(['mosquitto'], 'pipelines at a broker of their user', ({ mosquitto }) => {
  let folder: string;
  let broker: Mosquitto;
  let watcher: MqttClient;
  let heard: { topic: string; payload: string; retain: boolean }[];
  let events: { code: string; text: string }[];
  let sinks: Sinks;
  let sources: Sources;
  let pushed: { ports: Readonly<Record<string, unknown>>; stream: string }[];

  const listen = async (): Promise<void> => {
    watcher = await connectAsync(broker.url, { username: 'user', password: PASSWORD, reconnectPeriod: 100 });
    watcher.on('message', (topic, payload, { retain }) => heard.push({ topic, payload: payload.toString('utf8'), retain }));
    await watcher.subscribeAsync('#', { qos: 1 });
  };
  const retained = async (): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    const client = await connectAsync(broker.url, { username: 'user', password: PASSWORD });
    client.on('message', (topic, payload, { retain }) => retain && found.set(topic, payload.toString('utf8')));
    const marker = `marker/${randomUUID()}`;
    const marked = new Promise<void>((resolve) => client.on('message', (topic) => topic === marker && resolve()));
    await client.subscribeAsync('#');
    // What is retained comes first.
    await client.publishAsync(marker, '');
    await marked;
    await client.endAsync();
    return found;
  };
  const openSinks = (nodes: Record<string, unknown>): OpenSinks =>
    sinks.open({ name: 'p', nodes: nodes as never }, { outputs: [], edges: [], sinks: Object.keys(nodes) });
  const codes = (): string[] => events.map(({ code }) => code);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brokers-'));
    broker = await startMosquitto({ program: mosquitto, folder, username: 'user', password: PASSWORD });
    const file = `right: { username: user, password: ${PASSWORD} }\nwrong: { username: user, password: not-${PASSWORD} }\n`;
    await writeFile(join(folder, 'credentials.yaml'), file, { mode: 0o600 });
  });
  afterAll(async () => {
    await broker.kill();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    [heard, events, pushed] = [[], [], []];
    const clock = createSystemClock();
    const ports = {
      ...{ device, clock, random: systemRandom, credentials: openCredentials(join(folder, 'credentials.yaml')) },
      tell: (_level: string, code: string, message: string, detail = {}) =>
        events.push({ code, text: JSON.stringify({ message, detail }) }),
    };
    sinks = createSinks({ ...ports, filesFolder: folder, encode: async () => new Uint8Array([0xff, 0xd8, 0xff]) }, join(folder, 'sinks'));
    sources = createSources({
      ...{ ...ports, endpoints: createPushEndpoints(), log: createLog('error', clock.wallMs, () => undefined) },
      sink: {
        async push(_node, values, { stream }) {
          pushed.push({ ports: values, stream });
        },
      },
    });
    await listen();
  });
  afterEach(async () => {
    await sources.closeAll();
    await sinks.closeAll();
    await watcher.endAsync(true);
    expect(events.map(({ text }) => text).join()).not.toContain(PASSWORD);
  });

  const mqttSink = (params: Record<string, unknown> = {}) => ({
    sink: 'mqtt',
    params: { url: broker.url, credentials: 'right', topic: 'site/{stream}/{value.kind}', ...params },
  });

  test('a sink publishes each value to the topic that it makes', async () => {
    const opened = openSinks({ out: mqttSink() });
    await opened.deliver('out', { value: { kind: 'car', count: 2 } }, item);
    await opened.deliver('out', { value: { kind: 'a/b#', count: 1 } }, item);
    await until('both are heard', () => heard.length === 2);
    expect(heard).toEqual([
      { topic: 'site/gate/car', payload: '{"kind":"car","count":2}', retain: false },
      { topic: 'site/gate/a_b_', payload: '{"kind":"a/b#","count":1}', retain: false },
    ]);
  });

  test('a value without the field of the topic is told, and the next goes out', async () => {
    const opened = openSinks({ out: mqttSink() });
    await opened.deliver('out', { value: { count: 2 } }, item);
    await opened.deliver('out', { value: { kind: 'car' } }, item);
    await until('it is heard', () => heard.length === 1);
    expect(codes()).toEqual(['missing-field']);
  });

  test('a sink keeps what it gets while the broker is away, and sends it in order', async () => {
    const gate = await openGate(Number(new URL(broker.url).port));
    onTestFinished(() => gate.close());
    const opened = openSinks({ out: mqttSink({ topic: 'numbers', url: `mqtt://127.0.0.1:${gate.port}` }) });
    await opened.deliver('out', { value: 0 }, item);
    await until('the first is heard', () => heard.length === 1);
    gate.shut();
    await broker.kill();
    for (let number = 1; number <= 20; number += 1) await opened.deliver('out', { value: number }, item);
    await until('the loss is told', () => codes().length > 0);
    await broker.start();
    await watcher.endAsync(true);
    await listen();
    // The sink comes back when somebody listens: this broker keeps nothing.
    gate.open();
    await until('all are heard', () => new Set(heard.map(({ payload }) => payload)).size >= 20, 30_000);
    const numbers = heard.map(({ payload }) => Number(payload));
    expect([...new Set(numbers)]).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(codes().filter((code) => code === 'broker-back')).toHaveLength(1);
    expect(codes().filter((code) => code === 'broker-lost').length).toBeLessThanOrEqual(2);
  });

  test('a wrong password is told once, by the name of the broker', async () => {
    openSinks({ out: mqttSink({ credentials: 'wrong' }) });
    await until('it is refused', () => codes().includes('broker-refused'));
    expect(codes().filter((code) => code === 'broker-refused')).toHaveLength(1);
  });

  test('a source gives each message, with its topic, and a stream for each topic', async () => {
    const params = { url: broker.url, credentials: 'right', topic: 'in/+', streamPerTopic: true };
    sources.open({ name: 'p', nodes: { in: { source: 'mqtt', params } } as never });
    await until('it has subscribed', async () => {
      await watcher.publishAsync('in/a', '{"n":1}');
      return pushed.length > 0;
    });
    pushed = [];
    await watcher.publishAsync('in/b', 'no json');
    await watcher.publishAsync('in/b', '{"n":2}');
    await until('it is given', () => pushed.some(({ stream }) => stream === 'in/in/b'));
    expect(pushed.filter(({ stream }) => stream === 'in/in/b')).toEqual([{ ports: { json: { n: 2 }, topic: 'in/b' }, stream: 'in/in/b' }]);
    expect(codes()).toEqual(['bad-payload', 'source-recovered']);
  });

  const entities = {
    cars: {
      kind: 'sensor',
      name: 'Cars',
      valueTemplate: '{{ value_json.count }}',
      stateClass: 'measurement',
      unit: 'cars',
      icon: 'mdi:car',
      attributes: true,
      precision: 0,
      expireAfterS: 600,
    },
    moving: { kind: 'binary_sensor', valueTemplate: "{{ 'ON' if value_json.count > 0 else 'OFF' }}", deviceClass: 'motion', offDelayS: 30 },
    view: { kind: 'image', name: 'View' },
    eye: { kind: 'camera', category: 'diagnostic' },
    van: { kind: 'device_tracker', attributesTemplate: "{{ {'latitude': value_json.at[0], 'longitude': value_json.at[1]} | tojson }}" },
  };
  const homeAssistant = (change: Record<string, unknown> = {}) => ({
    sink: 'home-assistant',
    params: {
      url: broker.url,
      credentials: 'right',
      device: { name: 'Gate camera', area: 'Yard', manufacturer: 'Starling' },
      entities,
      ...change,
    },
  });
  const base = `starling/${device}/p-ha`;

  test('Home Assistant is told of each entity as its documents say, and finds states and availability', async () => {
    const opened = openSinks({ ha: homeAssistant() });
    await opened.deliver('ha', { value: { count: 2, at: [52.1, 4.3] }, image: new Uint8Array([0xff, 0xd8, 0xff, 7]) }, item);
    await until('the picture is there', () => heard.some(({ topic }) => topic === `${base}/image`));
    const kept = await retained();
    const configs = [...kept].filter(([topic]) => topic.startsWith('homeassistant/'));
    const parsed = configs.map(([topic, payload]) => parseDiscovery(topic, payload));
    expect(configs.map(([topic]) => topic.split('/')[1]).sort()).toEqual(['binary_sensor', 'camera', 'device_tracker', 'image', 'sensor']);
    expect(new Set(parsed.map(({ unique_id }) => unique_id)).size).toBe(5);
    expect(new Set(parsed.map(({ device: block }) => JSON.stringify(block))).size).toBe(1);
    for (const { availability } of parsed) expect(kept.get(availability[0]?.topic ?? '')).toBe('online');
    expect(JSON.parse(kept.get(`${base}/value`) ?? '')).toEqual({ count: 2, at: [52.1, 4.3] });
    expect(kept.has(`${base}/image`)).toBe(true);
    await sinks.closeAll();
    expect((await retained()).get(`${base}/availability`)).toBe('offline');
  });

  test('Home Assistant is told again when it has started', async () => {
    openSinks({ ha: homeAssistant() });
    await until('all is told', () => heard.some(({ topic, payload }) => topic === `${base}/availability` && payload === 'online'));
    const count = (): number => heard.filter(({ topic }) => topic.startsWith('homeassistant/sensor/')).length;
    const before = count();
    await watcher.publishAsync('homeassistant/status', 'online');
    await until('it is told again', () => count() > before);
  });

  test('an entity that a release no longer has is taken away, and all of them with the sink', async () => {
    const first = openSinks({ ha: homeAssistant() });
    await until('all is told', () => heard.some(({ topic, payload }) => topic === `${base}/availability` && payload === 'online'));
    const { cars } = entities;
    const second = openSinks({ ha: homeAssistant({ entities: { cars } }) });
    await first.close();
    await until(
      'the others are gone',
      async () => [...(await retained()).keys()].filter((topic) => topic.startsWith('homeassistant/')).length === 1,
      20_000,
    );
    await second.close();
    expect([...(await retained()).keys()].filter((topic) => topic.startsWith('homeassistant/'))).toEqual([]);
  });

  test('entities count as unavailable when the agent is gone without a word', async () => {
    const settings = { folder, nodes: { ha: homeAssistant() }, node: 'ha', first: 1, count: 1, pauseMs: 1_000_000 };
    const child: ChildProcess = fork(sinkProgram, [JSON.stringify(settings)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const availability = `starling/${device}/count-ha/availability`;
    await until('it is online', () => heard.some(({ topic, payload }) => topic === availability && payload === 'online'), 20_000);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await until('it is offline', () => heard.some(({ topic, payload }) => topic === availability && payload === 'offline'), 20_000);
  });
});
