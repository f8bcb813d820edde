import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What stands in front of processes that are alike: each connection goes to the next one that answers. */
export interface Balancer {
  port: number;
  close(): Promise<void>;
}

/** @param targets ports of loopback */
export async function openBalancer(port: number, targets: readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>();
  let turn = 0;
  const track = (socket: Socket): void => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  };
  const forward = (from: Socket, left: readonly number[]): void => {
    const [target, ...others] = left;
    if (target === undefined) return void from.destroy();
    const to = connect(target, '127.0.0.1');
    track(to);
    const refused = (): void => forward(from, others);
    to.once('error', refused);
    to.once('connect', () => {
      to.off('error', refused);
      from.pipe(to).pipe(from);
      from.once('close', () => to.destroy());
      to.once('close', () => from.destroy());
    });
  };
  const server = createServer((socket) => {
    track(socket);
    const at = turn % targets.length;
    turn += 1;
    forward(socket, [...targets.slice(at), ...targets.slice(0, at)]);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
