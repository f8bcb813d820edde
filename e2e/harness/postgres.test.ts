import { connect } from 'node:net';
import postgres from 'postgres';
import { afterEach, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from './postgres.ts';
import { describeWith } from './requires.ts';

describeWith(['postgres'], 'a throw-away Postgres', ({ postgres: program }) => {
  let server: PostgresServer | undefined;

  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  test('answers at its address, survives a crash with what was committed, and is gone after stop', async () => {
    server = await startPostgres(program);
    const { url } = server;
    await query(url, 'create table kept (value int); insert into kept values (7)');

    await server.crash();
    expect(await query(url, 'select value from kept')).toEqual([{ value: 7 }]);

    await server.stop();
    await expect(connectTo(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }, 60_000);

  test('two at once have nothing in common', async () => {
    server = await startPostgres(program);
    const other = await startPostgres(program);
    try {
      expect(other.url).not.toBe(server.url);
      await query(server.url, 'create table mine ()');
      expect(await query(other.url, "select to_regclass('mine') as found")).toEqual([{ found: null }]);
    } finally {
      await other.stop();
    }
  }, 60_000);
});

async function query(url: string, text: string): Promise<unknown[]> {
  const sql = postgres(url, { max: 1 });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end();
  }
}

function connectTo(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
