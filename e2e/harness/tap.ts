/** A fleet on loopback -> the same ports on another loopback address, where what passes can be read, changed, slowed and cut. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { createPacketSplitter, type Publish, readPublish, writePublish } from './mqtt-packets.ts';

export type TapDirection = 'to-device' | 'to-fleet';

/** A PUBLISH that passes the tap. Changing its payload in place changes what arrives. */
export interface Tapped extends Publish {
  direction: TapDirection;
  atMs: number;
}

export interface Tap {
  /** Sees every PUBLISH before it goes on; it may change the payload in place, or answer with `false` to keep it back. */
  onPublish(listener: (publish: Tapped) => boolean | undefined): void;
  /** Sends the connected device something that the fleet did not. */
  inject(topic: string, payload: Buffer): void;
  /** Milliseconds that each PUBLISH towards the device is held. */
  delayMs: number;
  /** Ends all connections and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export interface TapOptions {
  /** Address on which devices reach the tap; the fleet listens on 127.0.0.1. */
  host: string;
  /** Ports of the fleet; the tap listens on the TLS ones. */
  ports: { mqtt: number; mqtts: number; https: number };
  /** Data directory of the fleet: the tap ends TLS with the fleet's own certificate, as somebody who has taken its broker could. */
  fleetDirectory: string;
}

export async function openTap({ host, ports, fleetDirectory }: TapOptions): Promise<Tap> {
  const listeners: ((publish: Tapped) => boolean | undefined)[] = [];
  const sockets = new Set<Socket>();
  const devices = new Set<Socket>();
  let isCut = false;
  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  const joinSides = (device: Socket, port: number, relay: (from: Socket, to: Socket, direction: TapDirection) => void): void => {
    hold(device);
    if (isCut) return void device.destroy();
    const fleet = connect({ port, host: '127.0.0.1', noDelay: true });
    hold(fleet);
    relay(device, fleet, 'to-fleet');
    relay(fleet, device, 'to-device');
    device.once('close', () => fleet.destroy());
    fleet.once('close', () => device.destroy());
  };
  const pass = (publish: Publish, direction: TapDirection): boolean =>
    listeners.every((listener) => listener(Object.assign(publish, { direction, atMs: performance.now() })) !== false);

  const [key, cert] = await Promise.all(['server-key.pem', 'server.pem'].map((name) => readFile(join(fleetDirectory, 'tls', name))));
  const tap: Tap = {
    delayMs: 0,
    onPublish: (listener) => void listeners.push(listener),
    inject(topic, payload) {
      for (const device of devices) device.write(writePublish({ topic, payload }));
    },
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
    },
    async close() {
      tap.cut();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
  const relayPackets = (from: Socket, to: Socket, direction: TapDirection): void => {
    const split = createPacketSplitter();
    let busy = Promise.resolve();
    from.on('data', (piece) => {
      for (const packet of split(piece)) {
        const publish = readPublish(packet);
        busy = busy.then(async () => {
          if (publish !== undefined && !pass(publish, direction)) return;
          if (publish !== undefined && direction === 'to-device' && tap.delayMs > 0)
            await new Promise((resolve) => setTimeout(resolve, tap.delayMs));
          if (!to.destroyed && !to.write(packet)) await drained(to);
        });
      }
    });
    from.once('end', () => void busy.then(() => to.end()));
  };
  const servers: Server[] = [
    createTlsServer({ key: key as Buffer, cert: cert as Buffer, noDelay: true }, (device) => {
      devices.add(device);
      device.once('close', () => devices.delete(device));
      joinSides(device, ports.mqtt, relayPackets);
    }),
    createTcpServer({ noDelay: true }, (device) => joinSides(device, ports.https, (from, to) => void from.pipe(to))),
  ];
  for (const [index, port] of [ports.mqtts, ports.https].entries()) {
    const server = servers[index] as Server;
    server.listen(port, host);
    await once(server, 'listening');
  }
  return tap;
}

/** Resolves when a socket takes bytes again, or never will. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      socket.off('drain', end);
      socket.off('close', end);
      resolve();
    };
    socket.on('drain', end);
    socket.on('close', end);
  });
}
