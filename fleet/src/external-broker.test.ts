import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { readExternalBroker } from './external-broker.ts';

test('two authorities in one file are both believed, also where the first ends without a line end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'starling-authorities-'));
  try {
    const file = join(folder, 'both.pem');
    const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;
    writeFileSync(file, `${pem('AAAA')}${pem('BBBB')}`);
    const config = readConfig(
      [
        ...[
          '--database-url',
          'postgres://starling@localhost/fleet',
          '--blob-store',
          'file:///blobs',
          '--broker-url',
          'mqtts://localhost:8883',
        ],
        ...['--broker-public-urls', 'mqtts://localhost:8883', '--broker-logins', 'mosquitto', '--broker-authority', file],
      ],
      { STARLING_BROKER_PASSWORD: 'secret', STARLING_CLUSTER_SECRET: 'c'.repeat(32) },
    );
    expect(readExternalBroker(config)?.authority).toBe(`${pem('AAAA')}\n${pem('BBBB')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
