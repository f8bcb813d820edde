import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createTopics } from '@starling/shared';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type ConnectionLimits, createBroker, type EmbeddedBroker } from './embedded.ts';

/** Connections that are not shut at once are left alone. */
const QUIET_MS = 300;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const generous: ConnectionLimits = { connections: 100, strangersPerAddress: 100, refusalsPerAddress: 100 };

const [first, second] = ['a'.repeat(26), 'b'.repeat(26)];

describe('the connections of the broker', () => {
  let broker: EmbeddedBroker;
  let port: number;
  const asked: string[] = [];
  const left: [string, boolean][] = [];
  let answer: (topic: string) => void = () => undefined;
  const sockets: Socket[] = [];

  const open = async (limits: Partial<ConnectionLimits>): Promise<void> => {
    broker = await createBroker(
      {
        ...{ topics: createTopics(), log: silent, onMessage: (_sender: string, topic: string) => answer(topic) },
        ...{ onConnected: () => undefined, checkOperator: async () => false },
        onDisconnected: (device: string, inOrder: boolean) => void left.push([device, inOrder]),
        async checkPassword(device, password) {
          asked.push(device);
          return password === 'right';
        },
      },
      { ...generous, ...limits },
    );
    port = await broker.listenTcp(0, '127.0.0.1');
  };
  afterEach(async () => {
    asked.length = 0;
    left.length = 0;
    answer = () => undefined;
    for (const socket of sockets.splice(0)) socket.destroy();
    await broker.close();
  });

  /** @returns whether it was let in */
  const logIn = async (device: string, password = 'right'): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.write(connectPacket(device, password));
    const answer = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [])]);
    // CONNACK: type, length, session present, return code (MQTT 3.1.1, section 3.2).
    return (answer[0] as Buffer | undefined)?.[3] === 0;
  };
  /** Connects and says nothing. @returns whether the broker has closed it at once */
  const isShut = async (withinMs = 10_000): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return Promise.race([once(socket, 'close').then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, withinMs, false))]);
  };

  test('that say nothing are bounded for each address, and do not shut out those that have logged in', async () => {
    await open({ strangersPerAddress: 3 });
    expect(await logIn(first)).toBe(true);
    expect([await isShut(QUIET_MS), await isShut(QUIET_MS), await isShut(QUIET_MS)]).toEqual([false, false, false]);
    expect(await isShut()).toBe(true);
    expect(broker.isConnected(first)).toBe(true);
    // A place that is given back is taken by the next.
    sockets[1]?.destroy();
    await expect.poll(() => logIn(second)).toBe(true);
  });

  test('are bounded in all', async () => {
    await open({ connections: 2 });
    expect([await logIn(first), await logIn(second)]).toEqual([true, true]);
    expect(await isShut()).toBe(true);
  });

  test('with wrong passwords are looked at only so many times', async () => {
    await open({ refusalsPerAddress: 4 });
    const startedMs = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(startedMs);
    onTestFinished(() => clock.mockRestore());
    for (let guess = 0; guess < 12; guess += 1) expect(await logIn(first, `wrong ${guess}`)).toBe(false);
    expect(asked).toHaveLength(4);
    // Not even the right one gets in before a while has passed.
    clock.mockReturnValue(startedMs + 900);
    expect(await logIn(first)).toBe(false);
    clock.mockReturnValue(startedMs + 1_100);
    expect(await logIn(first)).toBe(true);
  });

  test('that bring telemetry hear of its packet and of its records at once; without an answer they do not wait for long', async () => {
    await open({});
    expect(await logIn(first)).toBe(true);
    const socket = sockets.at(-1) as Socket;
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    // Later than the PUBACK, as after a commit.
    answer = () => void setImmediate(() => broker.send(first, `starling/v1/d/${first}/ack/health`, Buffer.from('{}'), 0));
    socket.write(publishPacket(`starling/v1/d/${first}/telemetry/health`, 1));
    await expect.poll(() => pieces.length).toBeGreaterThan(0);
    // PUBACK, 4 bytes of its own, and a PUBLISH behind it.
    expect(pieces).toHaveLength(1);
    expect([pieces[0]?.[0], pieces[0]?.[4]]).toEqual([0x40, 0x30]);
    answer = () => undefined;
    socket.write(publishPacket(`starling/v1/d/${first}/telemetry/health`, 2));
    await expect.poll(() => [...Buffer.concat(pieces.slice(1))]).toEqual([0x40, 2, 0, 2]);
    socket.destroy();
    await expect.poll(() => left).toHaveLength(1);
  });

  test('of pages tell one that was closed from one that broke', async () => {
    await open({});
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (socket) => broker.accept(socket, '127.0.0.1'));
    await once(server, 'listening');
    const { port: webPort } = server.address() as { port: number };
    const logInPage = async (device: string): Promise<WebSocket> => {
      const page = new WebSocket(`ws://127.0.0.1:${webPort}`, 'mqtt');
      await once(page, 'open');
      page.send(connectPacket(device, 'right'));
      await once(page, 'message');
      return page;
    };
    const [closed, broken] = [await logInPage(first), await logInPage(second)];
    // As a browser does when its tab is closed.
    closed.close(1001);
    await expect.poll(() => left).toEqual([[first, true]]);
    broken.terminate();
    await expect
      .poll(() => left)
      .toEqual([
        [first, true],
        [second, false],
      ]);
    await new Promise((resolve) => server.close(resolve));
  });
});

/** MQTT 3.1.1, section 3.1: a clean session with a user name and a password. */
function connectPacket(device: string, password: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
  const body = Buffer.concat([text('MQTT'), Buffer.from([4, 0b11000010, 0, 60]), text(device), text(device), text(password)]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

/** MQTT 3.1.1, section 3.3: QoS 1. */
function publishPacket(topic: string, id: number): Buffer {
  const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from([0, id, 1])]);
  return Buffer.concat([Buffer.from([0x32, body.length]), body]);
}
