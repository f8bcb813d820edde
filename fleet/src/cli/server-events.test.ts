import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readServerEvents } from './server-events.ts';

async function read(pieces: readonly Uint8Array[]): Promise<unknown[]> {
  async function* stream() {
    yield* pieces;
  }
  const found: unknown[] = [];
  for await (const event of readServerEvents(stream())) found.push(event);
  return found;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test('named events and comments carry nothing', async () => {
  const text = 'event: ready\ndata: {}\n\n: comment\n\ndata: {"a":1}\n\nevent: heartbeat\ndata: {}\n\n';
  expect(await read([encode(text)])).toEqual([{ a: 1 }]);
});

test('data of several lines is one event, what is no JSON is undefined, what is cut off is no event', async () => {
  expect(await read([encode('data: [1,\ndata: 2]\n\ndata: oops\n\ndata: {"cut":')])).toEqual([[1, 2], undefined]);
});

test('however the bytes are cut and the lines end, the same events come out', async () => {
  const eol = fc.constantFrom('\n', '\r\n');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      eol,
      fc.array(fc.nat(400), { maxLength: 8 }),
      async (events, end, cuts) => {
        const bytes = encode(events.map((event) => `data: ${JSON.stringify(event)}${end}${end}`).join(''));
        const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].toSorted((left, right) => left - right);
        const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
        expect(await read(pieces)).toEqual(JSON.parse(JSON.stringify(events)));
      },
    ),
  );
});

test('an endless event is refused', async () => {
  await expect(read(Array.from({ length: 20 }, () => encode('x'.repeat(100_000))))).rejects.toMatchObject({ code: 'unexpected-answer' });
});
