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
  const flags = ['--headless', '--no-remote', '--profile', profile, `--remote-debugging-port=${port}`, '--remote-allow-system-access'];
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
  await leaveWorkersAlone(send).catch((error: unknown) => {
    firefox.kill();
    throw error;
  });
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

const ACTOR = 'chrome://remote/content/shared/js-process-actors/WebDriverWorkerListenerActor.sys.mjs';

/**
 * Whoever drives a Firefox hears of each worker. While somebody does, a worker that starts another one waits until the debugger of that
 * one is registered, on the same condition variable as the new one waits for work, and only one of the two is woken: on a busy machine
 * both then wait for ever (Firefox 153, once in some thirty starts of the page). Nobody here needs to hear of workers.
 */
async function leaveWorkersAlone(send: (method: string, params: object) => Promise<Record<string, unknown>>): Promise<void> {
  const { contexts } = await send('browsingContext.getTree', { 'moz:scope': 'chrome' });
  const [window] = contexts as { context: string }[];
  const expression = `ChromeUtils.importESModule('${ACTOR}').unregisterWebDriverWorkerListenerActor()`;
  const { type } = await send('script.evaluate', { expression, target: { context: window?.context }, awaitPromise: true });
  if (type !== 'success') throw new StarlingError('bidi-failed', 'Firefox goes on listening for workers');
}

/** @returns undefined while nobody listens */
function connect(address: string): Promise<WebSocket | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(address);
    socket.addEventListener('open', () => resolve(socket));
    socket.addEventListener('error', () => resolve(undefined));
  });
}
