import { styleText } from 'node:util';
import { printable } from './printable.ts';
import { type Column, formatTable, type StyleName } from './table.ts';

/** Where text goes. `columns` is the width of a terminal. */
export interface Sink {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

export interface OutputOptions {
  stdout: Sink;
  stderr: Sink;
  json: boolean;
  quiet: boolean;
  colour: boolean;
  dumbTerminal: boolean;
  nowMs(): number;
}

/**
 * One thing that takes long. On a terminal a line that moves; elsewhere a line when it starts, at each quarter, when it ends, and now and
 * then where something has changed between.
 */
export interface Progress {
  /** @param share 0 to 1, or undefined where nobody knows how much there is */
  update(share: number | undefined, detail?: string): void;
  done(detail?: string): void;
  failed(): void;
}

/** What a command found out. stdout carries the result alone; progress, notices and errors go to stderr. */
export interface Output {
  json: boolean;
  quiet: boolean;
  /** True where a person sits at both ends, so that a question can be asked. */
  interactive: boolean;
  /**
   * @param value printed as JSON with --json
   * @param text for people
   * @param names printed alone, one a line, with --quiet
   */
  result(value: unknown, text: () => string, names?: () => string[]): void;
  /** Part of a result that is a file, as it is. */
  raw(text: string): void;
  /** One line of JSON with --json, else text: for endless results. */
  line(value: unknown, text: () => string): void;
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string;
  /** Something beside the result that a person may want to know. */
  notice(text: string): void;
  /** Said even with --quiet. */
  warn(text: string): void;
  progress(title: string): Progress;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, json, quiet, colour } = options;
  const style = (name: StyleName, text: string): string =>
    colour && stdout.isTTY === true ? styleText(name, text, { validateStream: false }) : text;
  return {
    json,
    quiet,
    interactive: stderr.isTTY === true && !json,
    result(value, text, names) {
      if (json) stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
      else if (quiet && names !== undefined)
        stdout.write(
          names()
            .map((name) => `${printable(name)}\n`)
            .join(''),
        );
      else stdout.write(`${text()}\n`);
    },
    raw: (text) => void stdout.write(text),
    line(value, text) {
      stdout.write(json ? `${JSON.stringify(value)}\n` : `${text()}\n`);
    },
    table: (rows, columns) => formatTable(rows, columns, style),
    notice(text) {
      if (!quiet) stderr.write(`${text}\n`);
    },
    warn: (text) => void stderr.write(`warning: ${text}\n`),
    progress: (title) => (quiet ? silentProgress : createProgress(title, options)),
  };
}

const silentProgress: Progress = { update: () => undefined, done: () => undefined, failed: () => undefined };

const BAR_CELLS = 24;
/** Elsewhere than on a terminal: a log stays short, and whoever looks into it sees that something goes on. */
const LINE_EVERY_MS = 10_000;

function createProgress(title: string, { stderr, colour, dumbTerminal, nowMs }: OutputOptions): Progress {
  const moves = stderr.isTTY === true && !dumbTerminal;
  const paint = (name: StyleName, text: string): string =>
    colour && stderr.isTTY === true ? styleText(name, text, { validateStream: false }) : text;
  const write = (text: string, end: string): void => void stderr.write(moves ? `\r\u001b[2K${text}${end}` : `${text}\n`);
  const named = (detail: string | undefined): string => (detail === undefined || detail === '' ? title : `${title}: ${printable(detail)}`);
  let shownPercent = -1;
  let shownDetail: string | undefined;
  let shownQuarter = 0;
  let lineAtMs = nowMs();
  if (!moves) write(`${title} ...`, '');
  return {
    update(share, detail) {
      const percent = share === undefined ? -1 : Math.floor(Math.min(1, share) * 100);
      if (moves) {
        if (percent === shownPercent && detail === shownDetail) return;
        const bar = percent < 0 ? '' : ` [${'#'.repeat(Math.round((percent * BAR_CELLS) / 100)).padEnd(BAR_CELLS, '-')}] ${percent} %`;
        write(cut(`${named(detail)}${bar}`, stderr.columns ?? 80), '');
      } else {
        const isNextQuarter = Math.floor(percent / 25) > shownQuarter && percent < 100;
        const isNews = percent !== shownPercent || detail !== shownDetail;
        if (!isNextQuarter && !(isNews && nowMs() - lineAtMs >= LINE_EVERY_MS)) return;
        shownQuarter = Math.max(shownQuarter, Math.floor(percent / 25));
        lineAtMs = nowMs();
        write(`${named(detail)}${percent < 0 || percent === 100 ? '' : ` ${percent} %`}`, '');
      }
      shownPercent = percent;
      shownDetail = detail;
    },
    done: (detail) => write(`${paint('green', 'done')} ${named(detail)}`, '\n'),
    failed: () => write(`${paint('red', 'failed')} ${title}`, '\n'),
  };
}

function cut(text: string, columns: number): string {
  return text.length < columns ? text : text.slice(0, Math.max(0, columns - 1));
}
