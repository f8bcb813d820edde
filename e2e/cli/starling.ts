import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../harness/config.ts';

const program = fileURLToPath(new URL('../../fleet/src/cli/main.ts', import.meta.url));

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string;
  environment?: Record<string, string>;
  /** Presses Ctrl-C once it has printed this. */
  interruptAfter?: RegExp;
  /** Presses Ctrl-C when it fires. */
  interrupt?: AbortSignal;
}

export interface Starling {
  /** Runs one command line in a process of its own. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs it with --json. @returns what it printed; throws if it failed */
  json(args: readonly string[]): Promise<unknown>;
  /** Runs it with --json, expects it to fail. */
  failure(args: readonly string[], stdin?: string): Promise<{ exitCode: number | null; error: unknown; stderr: string }>;
}

/** The CLI as a person with this configuration folder runs it, in `directory`. */
export function createStarling(configuration: string, directory: string): Starling {
  const run: Starling['run'] = (args, { stdin = '', environment = {}, interruptAfter, interrupt } = {}) =>
    new Promise((resolve, reject) => {
      const unset = { STARLING_FLEET: '', STARLING_TOKEN: '', STARLING_CA: '', STARLING_ROOT_KEY: '', STARLING_PUBLISHER_KEY: '' };
      const env = childEnvironment({ ...unset, XDG_CONFIG_HOME: configuration, ...environment });
      const child = spawn(process.execPath, [program, ...args], { cwd: directory, env, stdio: 'pipe' });
      interrupt?.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        if (interruptAfter?.test(stdout)) child.kill('SIGINT');
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.once('error', reject);
      child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
      // A command that fails before it reads breaks the pipe; its exit code says why.
      child.stdin.on('error', () => undefined).end(stdin);
    });
  return {
    run,
    async json(args) {
      const ended = await run([...args, '--json']);
      if (ended.exitCode !== 0) throw new Error(`starling ${args.join(' ')} ended with ${ended.exitCode}: ${ended.stderr}`);
      return JSON.parse(ended.stdout);
    },
    async failure(args, stdin = '') {
      const { exitCode, stdout, stderr } = await run([...args, '--json'], { stdin });
      if (exitCode === 0) throw new Error(`starling ${args.join(' ')} did not fail: ${stdout}`);
      return { exitCode, error: (JSON.parse(stdout) as { error: unknown }).error, stderr };
    },
  };
}
