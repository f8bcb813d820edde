/** A process of light MQTT clients: each connects, subscribes to its desired state, and confirms what comes. Started by `rollout-out.ts`. */
import { connect, type Socket } from 'node:net';
import { createPacketSplitter } from '../harness/mqtt-packets.ts';
import { inParallel } from './runtime.ts';

const IN_PARALLEL = 100;
const CONNACK = 2;
const PUBLISH = 3;
const SUBACK = 9;

interface Client {
  device: string;
  topic: string;
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const packet = (head: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([head, ...length]), body]);
};

/** @returns once it is subscribed. @throws where it is refused */
function open({ device, topic }: Client, port: number, onPublish: () => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const split = createPacketSplitter();
    socket.once('error', reject);
    // Of no account to one that is subscribed.
    socket.once('close', () => reject(new Error(`the connection of ${device} was closed`)));
    // MQTT 3.1.1, clean session, with user name and password, no keep-alive.
    socket.write(packet(0x10, text('MQTT'), Buffer.from([4, 0xc2, 0, 0]), text(device), text(device), text('password')));
    socket.write(packet(0x82, Buffer.from([0, 1]), text(topic), Buffer.from([1])));
    socket.on('data', (bytes) => {
      for (const whole of split(bytes)) {
        const kind = (whole[0] ?? 0) >> 4;
        // The return code is the last byte (MQTT 3.1.1, 3.2).
        if (kind === CONNACK && whole.at(-1) !== 0) reject(new Error(`${device} was refused with code ${whole.at(-1)}`));
        if (kind === SUBACK) resolve(socket);
        if (kind !== PUBLISH) continue;
        onPublish();
        // The packet id follows the topic.
        let at = 1;
        while ((whole[at] ?? 0) & 128) at += 1;
        const topicLength = whole.readUInt16BE(at + 1);
        const id = at + 3 + topicLength;
        socket.write(Buffer.from([0x40, 2, whole[id] ?? 0, whole[id + 1] ?? 0]));
      }
    });
  });
}

process.once('message', async ({ port, devices }: { port: number; devices: Client[] }) => {
  const reached = new Set<string>();
  try {
    await inParallel(devices, IN_PARALLEL, async (client) => {
      await open(client, port, () => {
        reached.add(client.device);
        if (reached.size === devices.length) process.send?.('received');
      });
    });
    process.send?.('connected');
  } catch (error) {
    process.send?.(`failed: ${String(error)}`);
  }
});
