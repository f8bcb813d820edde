/** A Firefox -> one page of it, driven by WebDriver BiDi (w3c.github.io/webdriver-bidi), which Debian's Firefox speaks by itself. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import { childEnvironment } from '../harness/config.ts';
import { freePorts } from '../harness/free-ports.ts';
import { until } from '../harness/running-fleet.ts';

export interface BidiPage {
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  /** @param expression of a text, or of a promise of one */
  evaluate(expression: string): Promise<string>;
  close(): Promise<void>;
}

interface Answer {
  id?: number;
  error?: string;
  message?: string;
  result: Record<string, unknown>;
}

export async function openFirefox(executablePath: string): Promise<BidiPage> {
  const profile = await mkdtemp(join(tmpdir(), 'starling-firefox-'));
  const [port = 0] = await freePorts(1);
  const flags = ['--headless', '--no-remote', '--profile', profile, `--remote-debugging-port=${port}`];
  const firefox = spawn(executablePath, flags, { stdio: 'ignore', env: childEnvironment({ HOME: profile }) });
  const socket = await until('Firefox listens', () => connect(`ws://127.0.0.1:${port}/session`));
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  const send = async (method: string, params: object): Promise<Record<string, unknown>> => {
    lastId += 1;
    const id = lastId;
    const answer = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
    if (answer.error !== undefined) throw new StarlingError('bidi-failed', `${method}: ${answer.error}: ${answer.message}`);
    return answer.result;
  };
  await send('session.new', { capabilities: {} });
  const { contexts } = await send('browsingContext.getTree', {});
  const [{ context } = { context: '' }] = contexts as { context: string }[];
  return {
    goto: async (url) => void (await send('browsingContext.navigate', { context, url, wait: 'complete' })),
    reload: async () => void (await send('browsingContext.reload', { context, wait: 'complete' })),
    async evaluate(expression) {
      const { result } = await send('script.evaluate', { expression, target: { context }, awaitPromise: true });
      return String((result as { value?: unknown } | undefined)?.value);
    },
    async close() {
      socket.close();
      const ended = new Promise((resolve) => firefox.once('exit', resolve));
      firefox.kill();
      await ended;
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** @returns undefined while nobody listens */
function connect(address: string): Promise<WebSocket | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(address);
    socket.addEventListener('open', () => resolve(socket));
    socket.addEventListener('error', () => resolve(undefined));
  });
}
