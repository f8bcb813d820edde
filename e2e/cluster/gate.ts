import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a port of loopback that can be shut, while others reach it by another one. */
export interface Gate {
  port: number;
  /** Ends all connections, and takes no more. */
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

export async function openGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let isShut = false;
  const server = createServer((from) => {
    if (isShut) return void from.destroy();
    const to = connect(target, '127.0.0.1');
    for (const [socket, other] of [[from, to] as const, [to, from] as const]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    from.pipe(to).pipe(from);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const shut = (): void => {
    isShut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    shut,
    open() {
      isShut = false;
    },
    async close() {
      shut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
