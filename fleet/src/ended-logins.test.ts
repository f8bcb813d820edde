import { StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import { takeEndedLoginsAway } from './ended-logins.ts';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** @param ended whom the fleet lets in no more, as long as they are in it @param failing what the broker says to some of them */
function setUp(kept: readonly string[], ended: Set<string>, failing = new Map<string, Error>()) {
  const open = new Set(kept);
  const asked: string[] = [];
  const expel = async (owner: string): Promise<void> => {
    asked.push(owner);
    const failure = failing.get(owner);
    if (failure !== undefined) throw failure;
    open.delete(owner);
  };
  const shutOut = async (owners: readonly string[]): Promise<string[]> => owners.filter((owner) => ended.has(owner));
  const keeper = { logins: async () => ({ devices: [...open], operators: [] }), expelDevice: expel, expelOperator: expel };
  const pass = () => takeEndedLoginsAway(keeper, { shutOutDevices: shutOut, shutOutOperators: shutOut }, log);
  return { pass, asked, open, failing };
}

test('who has ended loses the login, and nobody else', async () => {
  const { pass, open } = setUp(['a', 'b', 'c'], new Set(['b']));
  await pass();
  expect([...open]).toEqual(['a', 'c']);
});

test('one that the broker refuses holds up no other, and is tried again', async () => {
  const { pass, open, failing } = setUp(['a', 'b', 'c'], new Set(['a', 'b']), new Map([['a', new StarlingError('broker-refused', 'no')]]));
  await pass();
  expect([...open]).toEqual(['a', 'c']);
  failing.clear();
  await pass();
  expect([...open]).toEqual(['c']);
});

test('a broker that cannot be asked is asked once, and later about all', async () => {
  const away = new Map([['a', new StarlingError('broker-unreachable', 'it is away')]]);
  const { pass, asked, open } = setUp(['a', 'b'], new Set(['a', 'b']), away);
  await expect(pass()).rejects.toThrow('it is away');
  expect(asked).toEqual(['a']);
  expect([...open]).toEqual(['a', 'b']);
});

test('one that logs in anew while others are taken away keeps its login', async () => {
  const ended = new Set(['a', 'b']);
  const failing = new Map<string, Error>();
  const { pass, open } = setUp(['a', 'b'], ended, failing);
  failing.set = () => failing;
  // What the broker is asked first makes the second one good.
  failing.get = (owner) => {
    if (owner === 'a') ended.delete('b');
    return undefined;
  };
  await pass();
  expect([...open]).toEqual(['b']);
});
