import { expect, test } from 'vitest';
import { seal, unseal } from './seal.ts';

const secret = 'a-secret-of-the-cluster-x';

test('what is sealed opens under its secret and its name alone, and not when a byte of it was changed', () => {
  const sealed = seal('the fleet key', 'keys/fleet-key.json', secret);
  expect(sealed).not.toContain('fleet');
  expect(unseal(sealed, 'keys/fleet-key.json', secret)).toBe('the fleet key');
  expect(unseal(sealed, 'keys/session-secret', secret)).toBeUndefined();
  expect(unseal(sealed, 'keys/fleet-key.json', `${secret}y`)).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64url');
  for (const place of [0, 13, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[place] = (changed[place] ?? 0) ^ 1;
    expect(unseal(changed.toString('base64url'), 'keys/fleet-key.json', secret)).toBeUndefined();
  }
  expect(unseal('', 'keys/fleet-key.json', secret)).toBeUndefined();
});
