import { cellsOf, printable } from './printable.ts';

export interface Column<Row> {
  title: string;
  value(row: Row): string | number | null;
  right?: boolean;
}

export type StyleName = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

type Style = (name: StyleName, text: string) => string;

/** Columns as wide as their widest cell, two blanks between them. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style): string {
  const cells = rows.map((row) => columns.map((column) => cellText(column.value(row))));
  const widths = columns.map(({ title }, index) => Math.max(cellsOf(title), ...cells.map((row) => cellsOf(row[index] ?? ''))));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.right === true))
      .join('  ')
      .trimEnd();
  return [style('bold', line(columns.map(({ title }) => title))), ...cells.map(line)].join('\n');
}

function cellText(value: string | number | null): string {
  return value === null || value === '' ? '-' : printable(String(value));
}

function pad(text: string, cells: number, right: boolean): string {
  const blanks = ' '.repeat(Math.max(0, cells - cellsOf(text)));
  return right ? blanks + text : text + blanks;
}

/** `name  value` lines; a value of several lines is indented below its name. */
export function formatFields(fields: readonly (readonly [string, string | number | null | undefined])[]): string {
  const shown = fields.filter(([, value]) => value !== undefined);
  const cells = Math.max(...shown.map(([name]) => cellsOf(name)));
  return shown.map(([name, value]) => `${pad(name, cells, false)}  ${cellText(value ?? null)}`).join('\n');
}
