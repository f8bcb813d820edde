import { expect, test } from 'vitest';
import { fingerprintText, phoneAddresses } from './phone-addresses.ts';

const reachable = ['https://fleet.example', 'https://192.168.1.20:8443'];

test('the address at which the dashboard is open comes first', () => {
  expect(phoneAddresses(reachable, 'https://192.168.1.20:8443')).toEqual(['https://192.168.1.20:8443', 'https://fleet.example']);
  expect(phoneAddresses([], 'https://10.0.0.7:8443')).toEqual(['https://10.0.0.7:8443']);
});

test.each(['http://localhost:8080', 'http://10.0.0.7:8080', 'https://localhost:8443', 'https://127.0.0.1:8443', 'https://[::1]:8443'])(
  'but not %s, which a phone cannot use',
  (here) => {
    expect(phoneAddresses(reachable, here)).toEqual(reachable);
    expect(phoneAddresses([], here)).toEqual([]);
  },
);

test('a fingerprint reads as phones show it', () => {
  expect(fingerprintText('00ab9f')).toBe('00:AB:9F');
});
