import { messageOf, StarlingError } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { TensorData } from '../ports/engine.ts';
import type { PackedValue, Sandbox, Script, ScriptAnswer, ScriptCall, ScriptModule } from '../ports/sandbox.ts';
import { arraysIn, copyOf } from './packed-values.ts';
import type { ScriptReply, ScriptRequest } from './script-messages.ts';

export interface ScriptThreadEvents {
  onReply(reply: ScriptReply): void;
  /** The thread has ended without being told to. */
  onEnded(reason: string): void;
}

/** One life of a thread. */
export interface ScriptThread {
  /** @param moved buffers that the other side takes over */
  send(request: ScriptRequest, moved: ArrayBuffer[]): void;
  end(): void;
}

export interface SandboxPorts {
  clock: Clock;
  start(events: ScriptThreadEvents): ScriptThread;
}

/** A thread that starts on a busy device, with the engine of the language in it. */
const OPEN_TIMEOUT_MS = 20_000;
/**
 * The thread watches its own processor time, but not inside of what the language does in one piece, such as joining a hundred
 * million empty strings. Later than this it is ended from outside; until then it may have been waiting for a processor.
 */
const patienceMs = (cpuMs: number): number => 500 + 5 * cpuMs;

/** Each script in a thread of its own, so that what one does to its thread is felt by no other; one that ends is started again. */
export function createSandbox(ports: SandboxPorts): Sandbox {
  return {
    async open(module) {
      const script = superviseScript(module, ports);
      try {
        await script.opened();
        return script;
      } catch (error) {
        await script.close();
        throw error;
      }
    },
  };
}

interface Life {
  ask(request: ScriptRequest, patience: number, late: () => StarlingError): Promise<Exclude<ScriptReply, { type: 'failed' }>>;
  end(error: StarlingError): void;
  isOver(): boolean;
}

function superviseScript(module: ScriptModule, ports: SandboxPorts): Script & { opened(): Promise<void> } {
  let life: { current: Life; ready: Promise<unknown> } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const alive = async (): Promise<Life> => {
    if (isClosed) throw closed();
    if (life === undefined || life.current.isOver()) {
      const current = startLife(ports);
      life = { current, ready: current.ask({ type: 'open', module }, OPEN_TIMEOUT_MS, () => lateStart()) };
      life.ready.catch(() => undefined);
    }
    const { current, ready } = life;
    await ready;
    return current;
  };
  const runNow = async (call: ScriptCall): Promise<ScriptAnswer> => {
    const current = await alive();
    const reply = await current.ask({ type: 'run', call }, patienceMs(module.cpuMs), () => lateRun(module.cpuMs));
    if (reply.type !== 'ran') throw new StarlingError('script-failed', `unexpected reply ${reply.type}`);
    return reply.answer;
  };
  return {
    opened: async () => void (await alive()),
    run(call, signal) {
      const running = last.then(() => {
        signal?.throwIfAborted();
        return runNow(call);
      });
      last = running.catch(() => undefined);
      return running;
    },
    async close() {
      isClosed = true;
      life?.current.end(closed());
    },
  };
}

function startLife({ clock, start }: SandboxPorts): Life {
  let waiting: { resolve: (reply: Exclude<ScriptReply, { type: 'failed' }>) => void; reject: (error: unknown) => void } | undefined;
  let over: StarlingError | undefined;
  const end = (error: StarlingError): void => {
    if (over !== undefined) return;
    over = error;
    thread.end();
    waiting?.reject(error);
  };
  const thread = start({
    onReply(reply) {
      const asked = waiting;
      waiting = undefined;
      if (reply.type !== 'failed') return asked?.resolve(reply);
      const { code, message, hint } = reply.problem;
      const error = new StarlingError(code, message, { hint });
      asked?.reject(error);
      if (reply.isBroken) end(error);
    },
    onEnded: (reason) => end(new StarlingError('script-failed', `the thread of the script ended: ${reason}`, { retryable: true })),
  });
  return {
    isOver: () => over !== undefined,
    end,
    ask: (request, patience, late) =>
      new Promise((resolve, reject) => {
        if (over !== undefined) return reject(over);
        const cancel = clock.after(patience, () => end(late()));
        waiting = {
          resolve(reply) {
            cancel();
            resolve(reply);
          },
          reject(error) {
            cancel();
            reject(error);
          },
        };
        const sent = request.type === 'run' ? detached(request.call) : { call: undefined, moved: [] };
        try {
          thread.send(sent.call === undefined ? request : { type: 'run', call: sent.call }, sent.moved);
        } catch (cause) {
          waiting = undefined;
          cancel();
          reject(new StarlingError('script-failed', `the inputs cannot be handed to the script: ${messageOf(cause)}`, { cause }));
        }
      }),
  };
}

/** The call with arrays that may move to another thread: what is not shared memory is copied, since others read it too. */
function detached(call: ScriptCall): { call: ScriptCall; moved: ArrayBuffer[] } {
  if (Object.values(call.inputs).every((packed) => arraysIn(packed).length === 0)) return { call, moved: [] };
  const moved: ArrayBuffer[] = [];
  const copy = (array: TensorData): TensorData => {
    if (!(array.buffer instanceof ArrayBuffer)) return array;
    const own = copyOf(array);
    moved.push(own.buffer);
    return own;
  };
  const detach = (packed: PackedValue): PackedValue => {
    if (packed.kind === 'list') return { kind: 'list', items: packed.items.map(detach) };
    return packed.kind === 'json' ? packed : { ...packed, array: copy(packed.array) };
  };
  const inputs = Object.fromEntries(Object.entries(call.inputs).map(([port, packed]) => [port, detach(packed)]));
  return { call: { ...call, inputs }, moved };
}

const closed = (): StarlingError => new StarlingError('cancelled', 'the script was closed', { retryable: true });

const lateStart = (): StarlingError =>
  new StarlingError('script-failed', `the thread of the script did not start within ${OPEN_TIMEOUT_MS} ms`, { retryable: true });

const lateRun = (cpuMs: number): StarlingError =>
  new StarlingError('script-timeout', `the script did not come back from one long step within ${patienceMs(cpuMs)} ms`, {
    hint: 'work on less at once, or raise cpuMs',
  });
