import { connect } from 'node:net';

/** A broker beside the fleet, of one process or several. */
export interface ClusterBroker {
  name: string;
  /** Of each node. */
  urls: string[];
  /** What a fleet has to be told beside its address. */
  settings(): { flags: Record<string, string>; environment: Record<string, string> };
  /** Ends a node at once. */
  kill(node?: number): Promise<void>;
  /** Starts one again that was killed. */
  start(node?: number): Promise<void>;
  stop(): Promise<void>;
}

export const FLEET_LOGIN = { username: 'starling-fleet', password: 'password-of-the-fleet' };

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
