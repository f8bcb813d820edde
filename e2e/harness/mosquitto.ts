/** A broker that is not ours: mosquitto with a password, on a free port of loopback. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';

export interface Mosquitto {
  url: string;
  port: number;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it has persisted. */
  start(): Promise<void>;
}

export interface MosquittoOptions {
  program: string;
  folder: string;
  username: string;
  password: string;
}

export async function startMosquitto({ program, folder, username, password }: MosquittoOptions): Promise<Mosquitto> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('there is no free port');
  const passwords = join(folder, 'passwords');
  await writeFile(passwords, '');
  const { status, stderr } = spawnSync('mosquitto_passwd', ['-b', passwords, username, password]);
  if (status !== 0) throw new Error(`mosquitto_passwd: ${stderr.toString('utf8')}`);
  const configuration = join(folder, 'mosquitto.conf');
  // Started by root it would become another user, who may read nothing of ours.
  const lines = [
    `user ${userInfo().username}`,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${passwords}`,
    'persistence false',
  ];
  await writeFile(configuration, lines.join('\n'));
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(program, ['-c', configuration], { stdio: 'ignore' });
    for (let tries = 0; tries < 100; tries += 1) {
      if (await answers(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('mosquitto does not answer');
  };
  await start();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    start,
    async kill() {
      const running = child;
      if (running === undefined) return;
      const ended = new Promise((resolve) => running.once('close', resolve));
      running.kill('SIGKILL');
      await ended;
      child = undefined;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
