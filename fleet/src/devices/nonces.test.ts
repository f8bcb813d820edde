import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NONCE_MS } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { createNonces, createSharedNonces, type Nonces } from './nonces.ts';

let directory: string;
let database: OpenDatabase;
let nowMs = 1_000_000;
const clock = { nowMs: () => nowMs };
const ids = { next: () => '', bytes: (count: number) => randomBytes(count) };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-nonces-'));
  database = await openDatabase({ directory });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

const kinds: [string, () => Nonces][] = [
  ['of one process', () => createNonces({ clock, ids })],
  ['of many processes', () => createSharedNonces({ db: database.db, clock, ids, secret: 'secret' })],
];

describe.each(kinds)('nonces %s', (_kind, create) => {
  test('are good once, for a while, and only where they come from', async () => {
    const nonces = create();
    const nonce = nonces.make();
    expect(await nonces.take(nonce)).toBe(true);
    expect(await nonces.take(nonce)).toBe(false);
    const late = nonces.make();
    nowMs += NONCE_MS + 1;
    expect(await nonces.take(late)).toBe(false);
    expect(await nonces.take(randomBytes(40).toString('base64url'))).toBe(false);
    expect(await nonces.take('')).toBe(false);
  });
});

test('what one process gave out another takes, once among all of them', async () => {
  const make = (secret: string) => createSharedNonces({ db: database.db, clock, ids, secret });
  const [one, two, stranger] = [make('secret'), make('secret'), make('other')];
  const nonce = one.make();
  expect(await stranger.take(nonce)).toBe(false);
  expect(await two.take(nonce)).toBe(true);
  expect(await one.take(nonce)).toBe(false);
  // The same bytes, spelt otherwise: base64url of 40 bytes has bits to spare.
  const again = one.make();
  expect(await one.take(again)).toBe(true);
  expect(await one.take(`${again}=`)).toBe(false);
});
