import { type DeviceImport, deviceIdSchema, deviceNameSchema, labelNameSchema, labelValueSchema, StarlingError } from '@starling/shared';
import { type CsvError, parse } from 'csv-parse';
import type { DeviceChange, NamedDevice } from './bulk-store.ts';

/** Devices as a table for people: `id`, `name`, and a column for each label, named `labels.site`. After RFC 4180. */

const LABEL_PREFIX = 'labels.';

export function headerOf(labels: readonly string[]): string {
  return lineOf(['id', 'name', ...labels.map((label) => `${LABEL_PREFIX}${label}`)]);
}

/** @param labels names of the columns, in their order; a label that a device does not have is an empty cell */
export function rowOf({ id, name, labels: own }: NamedDevice, labels: readonly string[]): string {
  return lineOf([id, name, ...labels.map((label) => own[label] ?? '')]);
}

function lineOf(cells: readonly string[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`;
}

/**
 * Attack: a device calls itself `=HYPERLINK(...)`, and the program that opens the table computes it. An apostrophe before it makes it
 * text there; reading takes it away again.
 */
const formula = /^'*[=+\-@\t\r]/;

function cellOf(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]|^ | $/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function textOfCell(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

export type CsvProblem = DeviceImport['problems'][number];

/** What one line asks for, or what is wrong in it. */
export type CsvLine = { line: number; change: DeviceChange } | { line: number; problem: CsvProblem };

/** Largest file: some 100,000 devices with a few labels. */
export const CSV_BYTES_MAXIMUM = 64 * 1024 * 1024;
const ROWS_MAXIMUM = 200_000;
const COLUMNS_MAXIMUM = 200;
/** Longest line: a name and as many labels as there are columns would not be longer. */
const LINE_CHARACTERS_MAXIMUM = 64 * 1024;

/**
 * Reads a table line by line. An empty cell of a label takes the label away; an empty name keeps the name; labels without a column stay.
 * Lines end as the file likes, cells are separated by comma, semicolon or tab, whichever the first line has.
 * @throws StarlingError `bad-csv` where the first line is not usable, or the file is no table at all
 */
export async function* readDeviceCsv(text: AsyncIterable<Uint8Array>): AsyncGenerator<CsvLine> {
  const pieces = text[Symbol.asyncIterator]();
  const first = await pieces.next();
  const start = first.done === true ? new Uint8Array() : first.value;
  const parser = parse({
    ...{ bom: true, info: true, relax_column_count: true, skip_empty_lines: true, delimiter: delimiterOf(start) },
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: LINE_CHARACTERS_MAXIMUM,
  });
  feed(parser, start, pieces);
  let columns: Column[] | undefined;
  const seen = new Map<string, number>();
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (columns === undefined) {
        columns = columnsOf(record);
        continue;
      }
      if (seen.size >= ROWS_MAXIMUM) throw badCsv(`the file has more than ${ROWS_MAXIMUM} devices`, 'split it');
      yield lineOfRecord(record, info.lines, columns, seen);
    }
  } catch (error) {
    throw isCsvError(error) ? badCsv(error.message, 'put cells that hold quotation marks into quotation marks, and double them') : error;
  }
  if (columns === undefined) throw badCsv('the file is empty', 'its first line names the columns: id,name,labels.site');
}

type Parser = ReturnType<typeof parse>;

/** Writes what comes as fast as it is read. */
function feed(parser: Parser, start: Uint8Array, pieces: AsyncIterator<Uint8Array>): void {
  const write = async (): Promise<void> => {
    for (let piece = start; ; ) {
      if (!parser.write(piece)) await new Promise((resolve) => parser.once('drain', resolve));
      const next = await pieces.next();
      if (next.done === true) break;
      piece = next.value;
    }
    parser.end();
  };
  write().catch((error: unknown) => parser.destroy(error as Error));
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_');
}

function delimiterOf(start: Uint8Array): string {
  const line = new TextDecoder().decode(start.subarray(0, LINE_CHARACTERS_MAXIMUM)).split(/\r|\n/)[0] ?? '';
  const counts = [',', ';', '\t'].map((each) => ({ each, times: line.split(each).length }));
  return counts.reduce((best, next) => (next.times > best.times ? next : best)).each;
}

type Column = { kind: 'id' | 'name'; title: string } | { kind: 'label'; title: string; label: string };

function columnsOf(titles: readonly string[]): Column[] {
  if (titles.length > COLUMNS_MAXIMUM) throw badCsv(`the file has more than ${COLUMNS_MAXIMUM} columns`, 'leave some out');
  const columns = titles.map((cell, place): Column => {
    const title = textOfCell(cell).trim();
    if (title === 'id' || title === 'name') return { kind: title, title };
    const label = title.startsWith(LABEL_PREFIX) ? title.slice(LABEL_PREFIX.length) : undefined;
    if (label === undefined) {
      throw badCsv(`column ${place + 1} is "${title}"`, `columns are id, name, and ${LABEL_PREFIX}... such as ${LABEL_PREFIX}site`);
    }
    if (!labelNameSchema.safeParse(label).success) {
      throw badCsv(
        `column ${place + 1}, "${title}", names no label`,
        `a label ${labelNameSchema.safeParse(label).error?.issues[0]?.message}`,
      );
    }
    return { kind: 'label', title, label };
  });
  const titlesSeen = new Set<string>();
  for (const { title } of columns) {
    if (titlesSeen.has(title)) throw badCsv(`there are two columns "${title}"`, 'leave one out');
    titlesSeen.add(title);
  }
  if (!titlesSeen.has('id')) throw badCsv('there is no column "id"', 'the first line names the columns: id,name,labels.site');
  return columns;
}

function lineOfRecord(record: readonly string[], line: number, columns: readonly Column[], seen: Map<string, number>): CsvLine {
  const bad = (message: string, column?: string, hint?: string): CsvLine => ({
    line,
    problem: { line, message, ...(column === undefined ? {} : { column }), ...(hint === undefined ? {} : { hint }) },
  });
  if (record.length !== columns.length) {
    return bad(
      `has ${record.length} cells, the first line ${columns.length}`,
      undefined,
      'put cells that hold the separator into quotation marks',
    );
  }
  const labels: Record<string, string | null> = {};
  const change: DeviceChange = { id: '', labels };
  for (const [place, column] of columns.entries()) {
    const text = textOfCell(record[place] ?? '');
    if (text.includes('\0')) return bad('holds a zero character', column.title);
    if (column.kind === 'label') {
      if (!labelValueSchema.safeParse(text).success) return bad('the value of a label has at most 200 characters', column.title);
      labels[column.label] = text === '' ? null : text;
    } else if (column.kind === 'id') {
      change.id = text.trim();
    } else if (text !== '') {
      if (!deviceNameSchema.safeParse(text).success) return bad('a name has at most 100 characters', column.title);
      change.name = text;
    }
  }
  if (!deviceIdSchema.safeParse(change.id).success) return bad(`"${change.id}" is no id of a device`, 'id', 'see "starling device export"');
  const before = seen.get(change.id);
  if (before !== undefined) return bad(`the device stands in line ${before} already`, 'id', 'leave one of the two lines out');
  seen.set(change.id, line);
  return { line, change };
}

function badCsv(message: string, hint: string): StarlingError {
  return new StarlingError('bad-csv', `the file cannot be used: ${message}`, { field: 'body', hint });
}
