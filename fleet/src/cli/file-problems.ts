import { StarlingError } from '@starling/shared';
import type { FileProblem } from './pipeline-file.ts';
import { printable } from './printable.ts';

/** A file that has something wrong with it, all of which is told at once, each at its place. */
export class FileProblems extends StarlingError {
  /** As --json prints them. */
  readonly problems: readonly Record<string, unknown>[];

  constructor(code: string, file: string, problems: readonly FileProblem[], hint: string) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(code, `${file} has ${count}:\n\n${problems.map(problemText).join('\n\n')}\n`, {
      ...(problems[0] === undefined || problems[0].field === '' ? {} : { field: problems[0].field }),
      hint,
    });
    this.problems = problems.map(({ place: { file: where, line, column }, ...problem }) => ({ file: where, line, column, ...problem }));
  }
}

/** `file:line:column`, the line itself with what is wrong underlined, and what to do about it. */
function problemText({ code, field, message, hint, place }: FileProblem): string {
  const { file, line, column, length, text } = place;
  const number = String(line);
  const gutter = ' '.repeat(number.length);
  const before = printable(text.slice(0, column - 1)).replace(/\S/g, ' ');
  const named = field === '' || message.includes(field) ? '' : `${field}: `;
  return [
    `${file}:${line}:${column}: ${named}${message} (${code})`,
    ` ${number} | ${printable(text)}`,
    ` ${gutter} | ${before}${'^'.repeat(length)}`,
    ...(hint === undefined ? [] : [` ${gutter} = fix: ${hint}`]),
  ].join('\n');
}
