import type { NetworkInterfaceInfo } from 'node:os';
import { expect, test } from 'vitest';
import { reachableUrls } from './reachable-urls.ts';

const address = (ip: string, internal = false): NetworkInterfaceInfo =>
  ({ address: ip, family: ip.includes(':') ? 'IPv6' : 'IPv4', internal }) as NetworkInterfaceInfo;
const interfaces = {
  lo: [address('127.0.0.1', true), address('::1', true)],
  docker0: [address('172.17.0.1')],
  wlan0: [address('192.168.1.20'), address('fe80::1')],
};
const listening = { publicUrl: 'https://fleetbox:8443', isGiven: false, host: '0.0.0.0', httpsPort: 8443 };

test('addresses of this machine come before its name, which few phones resolve, and those of containers last', () => {
  expect(reachableUrls(listening, interfaces)).toEqual(['https://192.168.1.20:8443', 'https://172.17.0.1:8443', 'https://fleetbox:8443']);
});

test('an address that was set comes first', () => {
  const given = { ...listening, publicUrl: 'https://fleet.example/', isGiven: true };
  expect(reachableUrls(given, interfaces)[0]).toBe('https://fleet.example');
});

test('a fleet that listens on one interface is reached there', () => {
  expect(reachableUrls({ ...listening, host: '192.168.1.20' }, interfaces)[0]).toBe('https://192.168.1.20:8443');
});

test('a fleet that listens on loopback is reached through a proxy at the set address, or not at all', () => {
  const local = { ...listening, host: '127.0.0.1' };
  expect(reachableUrls(local, interfaces)).toEqual([]);
  expect(reachableUrls({ ...local, publicUrl: 'https://fleet.example', isGiven: true }, interfaces)).toEqual(['https://fleet.example']);
  expect(reachableUrls({ ...local, publicUrl: 'https://localhost:8443', isGiven: true }, interfaces)).toEqual([]);
});
