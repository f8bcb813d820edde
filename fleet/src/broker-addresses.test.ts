import { describe, expect, test } from 'vitest';
import { brokerAddresses } from './broker-addresses.ts';

const ports = { httpsPort: 8443, mqttsPort: 8883 };
const addresses = (publicUrl: string, cameBy: string): string[] => brokerAddresses({ publicUrl, ...ports })(new URL(cameBy));

describe('the addresses of the broker', () => {
  test('start with the name by which the device came', () => {
    expect(addresses('https://fleet.example:8443', 'https://10.0.0.7:8443/api')).toEqual([
      'mqtts://10.0.0.7:8883',
      'wss://10.0.0.7:8443/mqtt',
      'mqtts://fleet.example:8883',
      'wss://fleet.example:8443/mqtt',
    ]);
  });

  test('name the port of the proxy that stands at the public address before our own', () => {
    expect(addresses('https://fleet.example', 'http://fleet.example/api')).toEqual([
      'mqtts://fleet.example:8883',
      'wss://fleet.example/mqtt',
      'wss://fleet.example:8443/mqtt',
    ]);
  });

  test('are in the clear for a browser on this machine, and for nobody else', () => {
    expect(addresses('https://fleet.example:8443', 'http://localhost:8080/api')).toContain('ws://localhost:8080/mqtt');
    expect(addresses('https://fleet.example:8443', 'http://[::1]:8080/api')).toContain('ws://[::1]:8080/mqtt');
    for (const cameBy of ['https://localhost:8443', 'http://10.0.0.7:8080', 'http://localhost.example:8080', 'http://127.0.0.1.example']) {
      expect(addresses('https://fleet.example:8443', cameBy).filter((each) => each.startsWith('ws:'))).toEqual([]);
    }
  });
});
