/** A login -> Debian's own mosquitto_pub and mosquitto_sub, as a person runs them in a terminal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type OperatorResult, operatorResultSchema } from '@starling/shared';
import { until } from '../harness/running-fleet.ts';

export interface MqttLogin {
  port: number;
  authorityFile: string;
  account: string;
  password: string;
}

/** What mosquitto_pub ended with. */
export interface Published {
  exitCode: number | null;
  stderr: string;
}

const argumentsOf = ({ port, authorityFile, account, password }: MqttLogin): string[] => [
  '-h',
  '127.0.0.1',
  '-p',
  String(port),
  '--cafile',
  authorityFile,
  '-u',
  account,
  '-P',
  password,
  '-q',
  '1',
];

/** @param how one message, or one for each line, over one connection */
export function publish(
  login: MqttLogin,
  topic: string,
  text: string,
  how: 'one' | 'lines' = 'one',
  more: string[] = [],
): Promise<Published> {
  return new Promise((resolve) => {
    const child = spawn('mosquitto_pub', [...argumentsOf(login), '-t', topic, how === 'one' ? '-s' : '-l', ...more], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (piece: Buffer) => {
      stderr += piece.toString();
    });
    child.once('close', (exitCode) => resolve({ exitCode, stderr }));
    child.stdin.on('error', () => undefined).end(how === 'one' ? text : `${text}\n`);
  });
}

export interface Listener {
  /** Every answer so far, each checked against its schema. */
  answers(request: string): OperatorResult[];
  /** The first answer of a request that fulfils `test`. */
  answer(request: string, test: (result: OperatorResult) => boolean): Promise<OperatorResult>;
  topics(): string[];
  exited: Promise<number | null>;
  stop(): void;
}

/** Starts mosquitto_sub, which into a pipe writes lines only by `stdbuf`; resolves when the broker has answered the subscription. */
export async function listen(login: MqttLogin, filter: string): Promise<Listener> {
  const child: ChildProcess = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...argumentsOf(login), '-d', '-F', '>%t %p', '-t', filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
  }
  await until('the subscription is answered', () =>
    /Subscribed \(mid: \d+\): \d+|All subscription requests were denied|Connection Refused/.test(text),
  );
  const lines = (): [string, string][] =>
    text
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('>'))
      .map((line) => [line.slice(1, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);
  const answers = (request: string): OperatorResult[] =>
    lines()
      .filter(([topic]) => topic.endsWith(`/${request}`))
      .map(([, payload]) => operatorResultSchema.parse(JSON.parse(payload)));
  return {
    answers,
    answer: (request, test) =>
      until(
        `an answer to ${request}`,
        () => answers(request).find(test),
        30_000,
        () => JSON.stringify(answers(request)),
      ),
    topics: () => lines().map(([topic]) => topic),
    exited,
    stop: () => void child.kill('SIGTERM'),
  };
}
