import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import { childEnvironment } from './config.ts';

/** A child that said over its IPC channel that it is ready. */
export interface Child<Ready> {
  ready: Ready;
  pid: number;
  /** Asks it to end, and waits. @returns the exit code; null if a signal ended it */
  stop(): Promise<number | null>;
  /** Ends it without asking. */
  kill(): Promise<void>;
  /** Everything it wrote so far, the last 200 lines. */
  output(): string;
  exited: Promise<number | null>;
}

export interface ChildOptions<Ready extends z.ZodType> {
  /** File of the program, relative to the root of the repository. */
  program: string;
  args: readonly string[];
  /** Beside the environment of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Flags of Node itself. */
  nodeFlags?: readonly string[];
  ready: Ready;
  onLine?: (line: string) => void;
}

const failedSchema = z.object({
  type: z.literal('failed'),
  message: z.string(),
  code: z.string().optional(),
  field: z.string().optional(),
  hint: z.string().optional(),
});
const LINES_KEPT = 200;

/**
 * Starts a program of ours as its own process and waits until it is ready.
 * @throws StarlingError with the code of the child's own error, or `child-ended` with the end of its output
 */
export async function startChild<Ready extends z.ZodType>(options: ChildOptions<Ready>): Promise<Child<z.infer<Ready>>> {
  const file = fileURLToPath(new URL(`../../${options.program}`, import.meta.url));
  const child = fork(file, [...options.args], {
    ...(options.environment === undefined ? {} : { env: childEnvironment(options.environment) }),
    execArgv: [...(options.nodeFlags ?? [])],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines = keepLines(child, options.onLine);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const ready = await new Promise<z.infer<Ready>>((resolve, reject) => {
    child.on('message', (message) => {
      const failed = failedSchema.safeParse(message).data;
      if (failed !== undefined) {
        const { code = 'child-failed', field, hint } = failed;
        reject(
          new StarlingError(code, failed.message, { ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) }),
        );
        return;
      }
      const parsed = options.ready.safeParse(message);
      if (parsed.success) resolve(parsed.data as z.infer<Ready>);
    });
    exited.then((code) =>
      // What it said about its end may still be on the way.
      setImmediate(() =>
        reject(new StarlingError('child-ended', `${options.program} ended with ${code}:\n${lines.slice(-20).join('\n')}`)),
      ),
    );
  });
  return {
    ready,
    pid: child.pid ?? 0,
    exited,
    output: () => lines.join('\n'),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function keepLines(child: ChildProcess, onLine: ((line: string) => void) | undefined): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        if (lines.length > LINES_KEPT) lines.shift();
        onLine?.(line);
      }
    });
  }
  return lines;
}
