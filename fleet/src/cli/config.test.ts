import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { isLoopback, parseFleetAddress, readSettings, startDirectory } from './config.ts';

test('flags win over the environment, and an empty variable is none', () => {
  const environment = { STARLING_FLEET: 'https://one.example:8443', STARLING_TOKEN: '', XDG_CONFIG_HOME: '/x' };
  expect(readSettings({ fleet: 'https://two.example/path/' }, environment)).toMatchObject({
    fleet: 'https://two.example',
    directory: '/x/starling',
  });
  expect(readSettings({}, environment)).toMatchObject({ fleet: 'https://one.example:8443', token: undefined, colour: true });
});

test('a relative XDG_CONFIG_HOME is ignored, as its specification says', () => {
  expect(readSettings({}, { XDG_CONFIG_HOME: 'config' }).directory).toBe(`${homedir()}/.config/starling`);
});

test('colours end with NO_COLOR', () => {
  expect(readSettings({}, { NO_COLOR: '1' }).colour).toBe(false);
  expect(readSettings({}, { NO_COLOR: '' }).colour).toBe(true);
});

test.each(['localhost:8080', 'fleet', 'ftp://fleet', ''])('"%s" is no address', (text) => {
  expect(() => parseFleetAddress(text, '--fleet')).toThrow(expect.objectContaining({ code: 'bad-address', field: '--fleet' }));
});

test('a claim token is no API token', () => {
  expect(() => readSettings({}, { STARLING_TOKEN: 'starling1.e30' })).toThrow(
    expect.objectContaining({ code: 'usage', field: 'STARLING_TOKEN' }),
  );
});

test('only this machine is loopback', () => {
  const near = ['http://localhost:8080', 'http://127.0.0.1', 'http://127.1.2.3', 'http://[::1]:80', 'http://fleet.localhost'];
  const far = ['http://localhost.example', 'http://10.0.0.1', 'http://128.0.0.1', 'http://[::2]', 'http://127.0.0.1.example'];
  expect(near.map(isLoopback)).toEqual(near.map(() => true));
  expect(far.map(isLoopback)).toEqual(far.map(() => false));
});

test('relative paths start where npm was called, and only when npm runs this program', () => {
  expect(startDirectory({ npm_lifecycle_event: 'starling', INIT_CWD: '/home/ada' })).toBe('/home/ada');
  expect(startDirectory({ npm_lifecycle_event: 'test:all', INIT_CWD: '/home/ada' })).toBeUndefined();
  expect(startDirectory({})).toBeUndefined();
});
