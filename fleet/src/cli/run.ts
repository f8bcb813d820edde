import { type Command, CommanderError } from 'commander';
import { type CliPorts, type Context, createContext } from './context.ts';
import { cliError, exitCodes, type Failure, failureText, toFailure } from './errors.ts';
import { createProgram } from './program.ts';

export interface RunOptions extends CliPorts {
  argv: readonly string[];
  version: string;
}

/** Runs one command line. @returns the exit code */
export async function runCli({ argv, version, ...ports }: RunOptions): Promise<number> {
  const { stdout, stderr, signal } = ports;
  // `model push` has a --version of its own, so the program's is looked for here alone.
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    stdout.write(`starling ${version}\n`);
    return exitCodes.ok;
  }
  const contexts: Context[] = [];
  const contextOf = (command: Command): Context => {
    const context = createContext(command.optsWithGlobals(), ports);
    contexts.push(context);
    return context;
  };
  const program = createProgram({ version, stdout, stderr, contextOf });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return endOfCommander(error, program, argv, ports);
    const failure = toFailure(signal.aborted ? cliError('interrupted', 'interrupted') : error);
    return report(failure, argv, ports);
  } finally {
    for (const context of contexts) context.close();
  }
}

/** Commander ends by throwing: after help as well as for wrong arguments. */
function endOfCommander(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
  ports: Pick<CliPorts, 'stdout' | 'stderr'>,
): number {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return exitCodes.ok;
  // A group without its command: its help was printed on stderr.
  if (error.code === 'commander.help') return exitCodes.usage;
  const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const field = /'([^']+)'/.exec(message)?.[1];
  const suggestion = more.join(' ').replace(/[()]/g, '').trim();
  const help = `"${['starling', ...commandWords(program, argv), '--help'].join(' ')}"`;
  const failure: Failure = {
    exitCode: exitCodes.usage,
    code: 'usage',
    message,
    ...(field === undefined ? {} : { field }),
    hint: suggestion === '' ? `see ${help}` : `${suggestion} All there is: ${help}`,
  };
  return report(failure, argv, ports);
}

/** The words of the line that name a command which exists: of `device shwo gate-3`, `device`. */
function commandWords(program: Command, argv: readonly string[]): string[] {
  let command = program;
  const words: string[] = [];
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (next === undefined) continue;
    words.push(word);
    command = next;
  }
  return words;
}

function report(failure: Failure, argv: readonly string[], { stdout, stderr }: Pick<CliPorts, 'stdout' | 'stderr'>): number {
  const { exitCode, ...error } = failure;
  if (exitCode === exitCodes.interrupted) return exitCode;
  if (argv.includes('--json')) stdout.write(`${JSON.stringify({ error })}\n`);
  stderr.write(`${failureText(failure)}\n`);
  return exitCode;
}
