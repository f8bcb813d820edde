import './content-security.ts';
import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import { failureOf } from '../core/hosting/index.ts';
import { isAudio } from '../core/pipelines/operators/index.ts';
import type { AgentConfig, AgentEvent, AgentReply, AgentRequest, BrowserAgentStatus } from './agent-messages.ts';
import { createSystemClock } from './clock.ts';
import { createDecodedAhead } from './decoded-ahead.ts';
import { decodeAhead, pixelsOf } from './image-codec.ts';
import { createLog } from './log.ts';
import { type RunningAgent, runAgent } from './start.ts';

/** The control plane of a browser, in a worker: the page may be busy, hidden or reloaded, and the link has its own pace. */
declare const self: DedicatedWorkerGlobalScope;

type InferRequest = Extract<AgentRequest, { call: 'infer' }>;

const STATUS_INTERVAL_MS = 250;
const clock = createSystemClock();
const send = (reply: AgentReply): void => self.postMessage(reply);
const ahead = createDecodedAhead();
const tell = (event: AgentEvent): void => send({ type: 'event', event });
const log = createLog(
  'info',
  () => clock.wallMs(),
  (level, line) => tell({ type: 'log', level, line }),
);
let status: BrowserAgentStatus = { phase: 'starting', pending: false, threads: 1 };
let told = '';
let running: RunningAgent | undefined;

function report(progress: Partial<BrowserAgentStatus>): void {
  status = { ...status, ...progress };
  const text = withoutTime(status);
  if (text === told) return;
  told = text;
  tell({ type: 'status', status });
}

/** When a report was made says nothing new of the agent: a page that lays itself out for each takes a core from the model that runs. */
function withoutTime({ agent, ...others }: BrowserAgentStatus): string {
  return JSON.stringify(agent === undefined ? others : { ...others, agent: { ...agent, reported: { ...agent.reported, atMs: 0 } } });
}

self.addEventListener('message', ({ data }: MessageEvent<AgentRequest>) => {
  answer(data)
    .then((value) => send({ type: 'answer', id: data.id, value }))
    .catch((error: unknown) => send({ type: 'failure', id: data.id, error: failureOf(error, 'failed') }));
});

async function answer(request: AgentRequest): Promise<unknown> {
  switch (request.call) {
    case 'start':
      return start(...request.arguments);
    case 'infer':
      return infer(request);
    case 'networkBack':
      return running?.agent.retryNow();
    case 'close':
      await running?.agent.close();
      running = undefined;
      return report({ phase: 'closed' });
  }
}

async function start(config: AgentConfig): Promise<void> {
  await soleOf(config.home);
  try {
    running = await runAgent(config, { clock, log, report, takeDecoded: ahead.take });
  } catch (error) {
    const { code, message, field, hint } = failureOf(error, 'failed');
    report({
      phase: 'failed',
      problem: { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) },
    });
    throw error;
  }
  running.host.onEvent((event) => {
    if (event.type === 'result') tell({ type: 'result', source: event.source, result: event.result });
  });
  follow();
}

/** Tells the page how the agent is, whenever that has changed. */
function follow(): void {
  if (running === undefined) return;
  const agent = running.agent.status();
  // Who is let in was approved.
  report({ agent, ...(agent.link === 'online' ? { pending: false } : {}) });
  clock.after(STATUS_INTERVAL_MS, follow);
}

/** One tab alone runs the agent of a name: two would be one device that is connected twice. The lock goes with this worker. */
function soleOf(home: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const hold = (): Promise<void> => {
      resolve();
      return new Promise(() => undefined);
    };
    navigator.locks
      .request(home, { ifAvailable: true }, async (lock) => {
        if (lock !== null) return hold();
        report({ phase: 'other-tab' });
        void navigator.locks.request(home, hold);
      })
      .catch((cause: unknown) => reject(new StarlingError('no-lock', `this browser gives no lock: ${messageOf(cause)}`, { cause })));
  });
}

async function infer({ id, arguments: [input, source, isShown = false] }: InferRequest): Promise<unknown> {
  try {
    if (running === undefined) {
      // Nobody else has it any more. A camera stalls when its frames are left to the garbage collector.
      if ('close' in input) input.close();
      throw new StarlingError('no-release', 'the agent does not run yet', { retryable: true });
    }
    if (isShown && input instanceof Uint8Array) await show(id, input);
    return await running.host.infer(input instanceof Uint8Array || isAudio(input) ? input : frameOf(input), { source });
  } catch (error) {
    if (!isStarlingError(error)) log.warn('an input failed', { reason: messageOf(error) });
    throw error;
  }
}

async function show(call: number, bytes: Uint8Array): Promise<void> {
  const decoded = await decodeAhead(bytes);
  if (decoded === undefined) return;
  const { picture, pixels } = decoded;
  ahead.add(bytes, pixels);
  self.postMessage({ type: 'event', event: { type: 'picture', call, picture } } satisfies AgentReply, [picture]);
}

/** The pixels of a frame, read here while the runtime host computes the one before. */
function frameOf(input: VideoFrame | ImageBitmap) {
  try {
    const isVideo = 'displayWidth' in input;
    const [width, height] = isVideo ? [input.displayWidth, input.displayHeight] : [input.width, input.height];
    return pixelsOf(input, width, height);
  } finally {
    input.close();
  }
}
