import {
  CONTROL_BYTES_MAXIMUM,
  type Command,
  type CommandArguments,
  type CommandName,
  type CommandProgress,
  type CommandResult,
  type CommandResultOf,
  commandSchema,
  commandTable,
  type Diagnostics,
  isStarlingError,
  jsonEncode,
  messageOf,
  type Problem,
  parseWith,
  StarlingError,
  UPLOAD_BYTES_MAXIMUM,
  verifyDocument,
} from '@starling/shared';
import type { Puller } from '../blobs/index.ts';
import type { Captures } from '../captures/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Trust, UnderNewestRoot } from '../link/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';
import type { Keeper } from '../reconcile/index.ts';
import type { TapRelay } from '../taps/index.ts';
import type { UpdateCall } from '../updates/index.ts';
import type { Uploads } from '../uploads/index.ts';
import { RESULT_BYTES_MAXIMUM, requireAnswerSize } from './answer-size.ts';
import { pullInput } from './pull-input.ts';

export interface CommandPorts {
  device: string;
  agentVersion: string;
  trust: Trust;
  underNewestRoot: UnderNewestRoot;
  journal: Journal;
  clock: Clock;
  log: Log;
  host: RuntimeHost;
  store: BlobStore;
  puller: Puller;
  keeper: Keeper;
  activeKey(): string | undefined;
  measuring: Measuring;
  taps: TapRelay;
  captures: Captures;
  uploads: Uploads;
  diagnostics(lineCount: number): Promise<Diagnostics>;
  /** Absent where nobody has allowed it. */
  reboot?: (() => Promise<void>) | undefined;
  /** Lets a person beside the device see which one it is. */
  identify?: ((message: string) => Promise<void>) | undefined;
  /** Puts another agent in the place of this one. */
  updateAgent(build: string, call: UpdateCall): Promise<{ version: string; before: string | null }>;
  /** Replaces the key of this device. */
  rotateKey(): Promise<{ publicKey: string }>;
  snapshot(): Record<string, unknown>;
  publish(result: CommandResult): Promise<boolean>;
  /** A command was answered with what it asked for. */
  answered(name: CommandName): void;
  refused(reason: string): void;
}

/** Commands that measure, and so have to be told when to stop. */
export type Measuring = {
  [Name in 'benchmark' | 'tune']: (
    args: CommandArguments<Name>,
    signal: AbortSignal,
    onProgress: Call['onProgress'],
  ) => Promise<CommandResultOf<Name>>;
};

export interface CommandRunner {
  receive(signed: string): Promise<void>;
}

type Handlers = {
  [Name in CommandName]: (args: CommandArguments<Name>, ports: CommandPorts, call: Call) => Promise<CommandResultOf<Name>>;
};

interface Call {
  id: string;
  /** The account that asked. */
  issuer: string;
  /** When the fleet lets go of it. */
  notAfterMs: number;
  signal: AbortSignal;
  onProgress(progress: CommandProgress): void;
  /** @returns whether it was under way */
  cancel(command: string): boolean;
}

/** Least time between two messages of progress. */
const PROGRESS_INTERVAL_MS = 500;
/** The answer is out before the device goes down. */
const REBOOT_DELAY_MS = 2_000;

/** A handler for every command of the table: a missing one does not compile. */
const handlers: Handlers = {
  ping: async (_args, { clock, agentVersion }) => ({ uptimeMs: clock.monotonicMs(), agentVersion }),
  infer: async ({ input, traceparent }, ports, { signal }) =>
    ports.host.infer(await pullInput(input, ports, signal), { signal, traceparent }),
  tap: (args, { taps }, { issuer }) => taps.start(args, issuer),
  async 'tap-stop'({ tap }, { taps }) {
    const counts = await taps.stop(tap);
    return counts === undefined ? { stopped: false } : { stopped: true, counts };
  },
  capture: (asked, { captures }, { id, issuer, notAfterMs, signal, onProgress }) =>
    captures.run({ id, account: issuer, asked, notAfterMs, signal, onProgress }),
  'capture-stop': async ({ capture }, { captures }) => ({ stopped: captures.stop(capture) }),
  async replay({ of, ...given }, ports, { signal }) {
    if (of.kind !== 'input') return ports.host.replay({ ...given, of });
    const input = await pullInput(of.input, ports, signal);
    return ports.host.replay({ ...given, of: { kind: 'input', input, port: of.port } });
  },
  async logs({ lineCount }, { log }) {
    const lines = log.newest(lineCount);
    // The newest lines that fit into one answer.
    let room = RESULT_BYTES_MAXIMUM;
    const kept: string[] = [];
    for (const line of lines.reverse()) {
      room -= JSON.stringify(line).length + 1;
      if (room < 0) break;
      kept.unshift(line);
    }
    return { lines: kept };
  },
  async 'self-test'(_args, { host, activeKey }) {
    const key = activeKey();
    if (key === undefined) throw new StarlingError('no-release', 'no release runs on this device');
    return host.selfTest(key);
  },
  'model-load': ({ model }, { host }) => host.loadModel(model),
  'model-unload': ({ model }, { host }) => host.freeModel(model),
  benchmark: (args, ports, { signal, onProgress }) => ports.measuring.benchmark(args, signal, onProgress),
  tune: (args, ports, { signal, onProgress }) => ports.measuring.tune(args, signal, onProgress),
  snapshot: async (_args, { snapshot }) => ({ snapshot: snapshot() }),
  async diagnostics({ lineCount }, ports, { id, signal }) {
    let bytes: Uint8Array;
    // The newest lines that fit.
    for (let lines = lineCount; ; lines = Math.floor(lines / 2)) {
      bytes = jsonEncode(await ports.diagnostics(lines));
      if (bytes.length <= UPLOAD_BYTES_MAXIMUM || lines === 0) break;
    }
    await ports.uploads.send(id, bytes, signal);
    return { sizeBytes: bytes.length };
  },
  cancel: async ({ command }, _ports, { cancel }) => ({ cancelled: cancel(command) }),
  async reboot(_args, { reboot, clock, log }) {
    if (reboot === undefined) {
      throw new StarlingError('not-allowed', 'this device lets nobody reboot it from afar', {
        hint: 'start its agent with --reboot-command, such as "systemctl reboot"',
      });
    }
    log.warn('the device reboots, as it was told', { inMs: REBOOT_DELAY_MS });
    clock.after(REBOOT_DELAY_MS, () => {
      reboot().catch((error: unknown) => log.error('the device does not reboot', { reason: messageOf(error) }));
    });
    return { inMs: REBOOT_DELAY_MS };
  },
  'update-agent': ({ build }, ports, call) => ports.updateAgent(build, call),
  'rotate-key': (_args, { rotateKey }) => rotateKey(),
  restart: async (_args, { host }) => ({ restartedInMs: await host.restart() }),
  async identify({ message }, { log, identify }) {
    log.warn(`identify: ${message}`);
    await identify?.(message);
    return {};
  },
};

export function createCommandRunner(ports: CommandPorts): CommandRunner {
  const { journal, trust, clock } = ports;
  const running = new Map<string, AbortController>();

  const answer = (command: Command, result: Omit<CommandResult, 'id' | 'atMs'>): CommandResult => ({
    ...result,
    id: command.id,
    atMs: Math.round(clock.wallMs()),
  });
  const progressOf = (command: Command): Call['onProgress'] => {
    let lastMs = Number.NEGATIVE_INFINITY;
    let waiting: CommandProgress | undefined;
    const send = (progress: CommandProgress): void => {
      lastMs = clock.monotonicMs();
      void ports.publish(answer(command, { status: 'progress', progress }));
    };
    return (progress) => {
      const dueMs = lastMs + PROGRESS_INTERVAL_MS - clock.monotonicMs();
      if (dueMs <= 0) return send(progress);
      // The newest of a burst is told too: it may be long until the next.
      if (waiting === undefined) {
        clock.after(dueMs, () => {
          if (waiting !== undefined && running.has(command.id)) send(waiting);
          waiting = undefined;
        });
      }
      waiting = progress;
    };
  };
  const cancel = (id: string): boolean => {
    const abort = running.get(id);
    abort?.abort(new StarlingError('cancelled', 'the command was cancelled'));
    return abort !== undefined;
  };
  const run = async (command: Command, { signal }: AbortController): Promise<CommandResult> => {
    try {
      const args = parseWith(commandTable[command.name].arguments, command.arguments);
      const { id, issuer, notAfterMs } = command;
      const call: Call = { id, issuer, notAfterMs, signal, onProgress: progressOf(command), cancel };
      // A handler that does not look at its signal ends when it ends: the command does so now.
      const work: Promise<object> = handlers[command.name](args as never, ports, call);
      const result = await unlessAborted(signal, work);
      requireAnswerSize(result);
      return answer(command, { status: 'done', result: result as Record<string, unknown> });
    } catch (error) {
      return answer(command, { status: 'failed', error: problemOf(error) });
    }
  };
  return {
    async receive(signed) {
      const expected = { kind: 'command', schema: commandSchema, maximumBytes: CONTROL_BYTES_MAXIMUM } as const;
      const command = await ports.underNewestRoot(({ keys }) => verifyDocument(signed, { ...expected, keys: keys.fleet }));
      // Attack: a command of another device, or an old one, replayed.
      if (command.device !== ports.device) return ports.refused('a command of another device');
      if ((trust.nowMs() ?? 0) > command.notAfterMs) return ports.refused(`command ${command.name} has expired`);
      const before = journal.state.executed[command.id];
      if (before !== undefined) return void (await ports.publish(JSON.parse(before.result) as CommandResult));
      if (running.has(command.id)) return;
      const abort = new AbortController();
      running.set(command.id, abort);
      try {
        await ports.publish(answer(command, { status: 'accepted' }));
        const result = await run(command, abort);
        await journal.record({ type: 'executed', id: command.id, notAfterMs: command.notAfterMs, result: JSON.stringify(result) });
        if (command.name === 'capture') await ports.captures.forget(command.id);
        await ports.publish(result);
        if (result.status === 'done') ports.answered(command.name);
      } finally {
        running.delete(command.id);
      }
    },
  };
}

/** @throws the reason of the signal, if that comes first */
async function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    stop = () => signal.removeEventListener('abort', abort);
  });
  return Promise.race([work, aborted]).finally(stop);
}

function problemOf(error: unknown): Problem {
  if (!isStarlingError(error)) return { code: 'command-failed', message: messageOf(error) };
  const { code, message, field, hint } = error;
  return { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}
