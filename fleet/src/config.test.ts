import { expect, test } from 'vitest';
import { configHelp, readConfig } from './config.ts';

test.each([
  [['--insecure'], true],
  [['--insecure', '--http-port', '0'], true],
  [['--insecure', 'true'], true],
  [['--insecure=false'], false],
  [[], false],
])('plain ports are open to all only when it is said (%j)', (argv, insecure) => {
  expect(readConfig(argv, {}).insecure).toBe(insecure);
});

test.each([
  [['--nonsense'], undefined],
  [['--http-port', 'x'], 'httpPort'],
  [['--insecure', 'perhaps'], 'insecure'],
])('a setting that is none (%j) is named', (argv, field) => {
  expect(() => readConfig(argv, {})).toThrow(
    expect.objectContaining({ code: 'invalid-config', ...(field === undefined ? {} : { field }) }),
  );
});

const external = {
  STARLING_BROKER_URL: 'mqtt://a:1883,mqtts://b',
  STARLING_DATABASE_URL: 'postgres://u@h/d',
  STARLING_BROKER_PASSWORD: 'p',
  STARLING_BLOB_STORE: 'file:///blobs',
  STARLING_CLUSTER_SECRET: 'x'.repeat(24),
  STARLING_BROKER_LOGINS: 'mosquitto',
  STARLING_BROKER_PUBLIC_URLS: 'mqtts://a:8883, wss://a/mqtt',
};

test('a broker that is not ours has several nodes, and addresses for devices', () => {
  expect(readConfig([], external).brokerPublicUrls).toEqual(['mqtts://a:8883', 'wss://a/mqtt']);
});

test.each([
  ['databaseUrl', { STARLING_DATABASE_URL: undefined }],
  ['blobStore', { STARLING_BLOB_STORE: undefined }],
  ['clusterSecret', { STARLING_CLUSTER_SECRET: undefined }],
  ['brokerPassword', { STARLING_BROKER_PASSWORD: undefined }],
  ['brokerLogins', { STARLING_BROKER_LOGINS: undefined }],
  ['brokerPublicUrls', { STARLING_BROKER_PUBLIC_URLS: undefined }],
  ['brokerSecret', { STARLING_BROKER_LOGINS: 'http' }],
  ['brokerSecret', { STARLING_BROKER_LOGINS: 'http', STARLING_BROKER_SECRET: 'short' }],
  ['brokerUrl', { STARLING_BROKER_URL: 'mqtt://user:secret@a' }],
  ['brokerAuthority', { STARLING_BROKER_AUTHORITY: '/nowhere.pem' }],
])('a broker that is not ours needs %s', (field, change) => {
  expect(() => readConfig([], { ...external, ...change })).toThrow(expect.objectContaining({ code: 'invalid-config', field }));
});

test('no secret is taken from the command line, which everybody on the machine may read', () => {
  expect(() => readConfig(['--broker-password', 'p'], external)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  expect(configHelp()).toMatch(/^ {4}broker-password .*by the environment or the file alone/m);
});
