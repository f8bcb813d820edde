import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CsvLine, headerOf, readDeviceCsv, rowOf } from './device-csv.ts';

const id = (letter: string): string => letter.repeat(26);

async function* inPieces(text: string, bytes = 7): AsyncGenerator<Uint8Array> {
  const all = new TextEncoder().encode(text);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}
const linesOf = async (pieces: AsyncIterable<Uint8Array>): Promise<CsvLine[]> => {
  const lines: CsvLine[] = [];
  for await (const line of readDeviceCsv(pieces)) lines.push(line);
  return lines;
};
const read = (text: string, bytes?: number): Promise<CsvLine[]> => linesOf(inPieces(text, bytes));

describe('a table of devices', () => {
  test('is read as people write it', async () => {
    const text = `\uFEFFid;name;labels.site;labels.rack/row\r\n${id('a')};"gate; ""3""";north;\r\n\r\n${id('b')};;'=1+1;7\n`;
    expect(await read(text, 1000)).toEqual([
      { line: 2, change: { id: id('a'), name: 'gate; "3"', labels: { site: 'north', 'rack/row': null } } },
      { line: 4, change: { id: id('b'), labels: { site: '=1+1', 'rack/row': '7' } } },
    ]);
  });

  test('of tabs, with a column of labels alone', async () => {
    expect(await read(`id\tlabels.site\n${id('a')}\tnorth, of course`)).toEqual([
      { line: 2, change: { id: id('a'), labels: { site: 'north, of course' } } },
    ]);
  });

  test('tells each bad line, its place and the fix, and reads the others', async () => {
    const text = [
      'id,name,labels.site',
      `${id('a')},gate-1,north`,
      'gate-2,gate-2,north',
      `${id('b')},gate-3`,
      `${id('a')},again,south`,
      `${id('c')},gate-4,${'x'.repeat(201)}`,
      `${id('d')},${'x'.repeat(101)},south`,
      `${id('e')},ok,south`,
    ].join('\n');
    const lines = await read(text);
    expect(lines.map((line) => ('problem' in line ? line.problem : line.line))).toEqual([
      2,
      { line: 3, column: 'id', message: '"gate-2" is no id of a device', hint: expect.stringContaining('starling device export') },
      { line: 4, message: 'has 2 cells, the first line 3', hint: expect.any(String) },
      { line: 5, column: 'id', message: 'the device stands in line 2 already', hint: expect.any(String) },
      { line: 6, column: 'labels.site', message: 'the value of a label has at most 200 characters' },
      { line: 7, column: 'name', message: 'a name has at most 100 characters' },
      8,
    ]);
  });

  test.each([
    ['', 'the file is empty'],
    ['name,labels.site\n', 'there is no column "id"'],
    ['id,nam\n', 'column 2 is "nam"'],
    ['id,labels.Site\n', 'column 2, "labels.Site", names no label'],
    ['id,labels.a,labels.a\n', 'there are two columns "labels.a"'],
    [`id,name\n${id('a')},"open\n`, 'Quote Not Closed'],
    [`id,name\n${id('a')},${'x'.repeat(70_000)}\n`, 'Max Record Size'],
    [`id${',name'.repeat(300)}\n`, 'more than 200 columns'],
  ])('that starts with %j is refused', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'bad-csv', field: 'body', message: expect.stringContaining(message) });
  });

  test('whose sender goes away ends with that', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('id,name\n');
      throw new Error('gone');
    };
    await expect(linesOf(broken())).rejects.toThrow('gone');
  });
});

test('what is written is read again as it was, whatever devices are called, and no program computes it', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom('=1+1', "'=x", "''@", '-1', ' a ', 'a\r\nb', '"', ';', '\t', ','),
  );
  const label = fc.constantFrom('site', 'rack/row', 'a.b');
  const device = fc.record({
    name: text.filter((name) => name !== '' && !name.includes('\0')),
    labels: fc.dictionary(
      label,
      text.filter((value) => value !== '' && !value.includes('\0')),
      { noNullPrototype: true },
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(device, { maxLength: 5 }), async (devices) => {
      const rows = devices.map((each, at) => ({ id: id('abcde'.charAt(at)), ...each }));
      const labels = ['site', 'rack/row', 'a.b'];
      const csv = headerOf(labels) + rows.map((row) => rowOf(row, labels)).join('');
      // As another program reads it: a comma inside of quotation marks begins no cell.
      for (const cell of (parse(csv) as string[][]).flat()) expect(cell).not.toMatch(/^[=+@]/);
      const lines = await read(csv, 64);
      expect(lines.map((line) => ('change' in line ? line.change : line))).toEqual(
        rows.map((row) => ({
          id: row.id,
          name: row.name,
          labels: Object.fromEntries(labels.map((name) => [name, row.labels[name] ?? null])),
        })),
      );
    }),
  );
});
