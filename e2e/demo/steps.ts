import { styleText } from 'node:util';

/** Progress of a start in a terminal: one line for each step, which moves where the terminal can. */
export interface Steps {
  run<Result>(title: string, work: (say: (progress: string) => void) => Promise<Result>): Promise<Result>;
  note(text: string): void;
}

export interface StepsOutput {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** @param nowMs monotonic milliseconds */
export function createSteps(output: StepsOutput, nowMs: () => number): Steps {
  const moves = output.isTTY === true;
  const line = (text: string, end: string): void => void output.write(moves ? `\r\u001b[2K${text}${end}` : `${text}\n`);
  return {
    async run(title, work) {
      const startedMs = nowMs();
      let said = '';
      if (moves) line(`${styleText('cyan', '…')} ${title}`, '');
      const say = (progress: string): void => {
        if (progress === said) return;
        said = progress;
        // Where lines cannot move, the steps alone are enough to read.
        if (moves) line(`${styleText('cyan', '…')} ${title}: ${progress}`, '');
      };
      try {
        const result = await work(say);
        const seconds = ((nowMs() - startedMs) / 1000).toFixed(1);
        line(`${styleText('green', '✔')} ${title}${said === '' ? '' : `: ${said}`} ${styleText('dim', `(${seconds} s)`)}`, '\n');
        return result;
      } catch (error) {
        line(`${styleText('red', '✘')} ${title}`, '\n');
        throw error;
      }
    },
    // A step may be on its moving line, which comes back with its next progress.
    note: (text) => void output.write(`${moves ? '\r\u001b[2K' : ''}${text}\n`),
  };
}
