import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { cliError } from './errors.ts';
import type { Sink } from './output.ts';

/** Standard input: a terminal or a pipe. */
export type Typed = NodeJS.ReadableStream & { isTTY?: boolean | undefined };

/** Questions to the person at the terminal. */
export interface Prompt {
  /** True if somebody is there to answer. */
  possible: boolean;
  ask(question: string): Promise<string>;
  /** Without showing what is typed. @param otherwise what to do where nobody is there to ask */
  askSecret(question: string, otherwise: string): Promise<string>;
  /** @throws StarlingError `not-confirmed` if the answer is not yes, or nobody is there to ask and `yes` is false */
  confirm(question: string, options: { yes: boolean }): Promise<void>;
  /** All of standard input, without the last line break: a secret that a script passes in. */
  readAll(): Promise<string>;
}

const SECRET_BYTES_MAXIMUM = 64 * 1024;

export function createPrompt(stdin: Typed, stderr: Sink, signal: AbortSignal): Prompt {
  const possible = stdin.isTTY === true && stderr.isTTY === true;
  const askLine = (question: string, shown: boolean, otherwise = 'give it as an option; see --help'): Promise<string> => {
    if (!possible) {
      throw cliError('usage', `there is no terminal to ask "${question.trim()}"`, { hint: otherwise });
    }
    return new Promise((resolve, reject) => {
      stderr.write(question);
      const echo = new Writable({
        write(piece: Buffer, _encoding, done) {
          if (shown) stderr.write(piece.toString('utf8'));
          done();
        },
      });
      const lines = createInterface({ input: stdin, output: echo, terminal: true });
      const end = (settle: () => void): void => {
        lines.close();
        if (!shown) stderr.write('\n');
        settle();
      };
      lines.once('line', (line) => end(() => resolve(line)));
      // In raw mode Ctrl-C is a key, not a signal.
      lines.once('SIGINT', () => end(() => reject(cliError('interrupted', 'interrupted'))));
      signal.addEventListener('abort', () => end(() => reject(cliError('interrupted', 'interrupted'))), { once: true });
    });
  };
  return {
    possible,
    ask: (question) => askLine(question, true),
    askSecret: (question, otherwise) => askLine(question, false, otherwise),
    async confirm(question, { yes }) {
      if (yes) return;
      if (!possible) throw cliError('not-confirmed', question, { field: '--yes', hint: 'confirm with --yes' });
      const answer = await askLine(`${question} [y/N] `, true);
      if (!/^y(es)?$/i.test(answer.trim())) throw cliError('not-confirmed', 'nothing was changed', { hint: 'answer y, or give --yes' });
    },
    async readAll() {
      let text = '';
      for await (const piece of Readable.from(stdin)) {
        text += String(piece);
        if (text.length > SECRET_BYTES_MAXIMUM) throw cliError('usage', 'standard input is too long for a secret');
      }
      return text.replace(/\r?\n$/, '');
    },
  };
}
