import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, publicKeyOf } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fingerprintOf, readKeyFile, writeKeyFile } from './key-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a key file is read back, is for its owner alone, and is never written over', async () => {
  const file = join(folder, 'deep', 'root.json');
  const key = await generatePrivateKey();
  await writeKeyFile(file, key, '--out');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'deep'))).mode & 0o777).toBe(0o700);
  expect(await readKeyFile(file, '--root-key')).toEqual(key);
  await expect(writeKeyFile(file, await generatePrivateKey(), '--out')).rejects.toMatchObject({ code: 'file-exists', field: '--out' });
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(key);
});

test('halves of two keys, a foreign id, a public key, another form: each is refused', async () => {
  const [one, two] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
  const wrong: [name: string, text: string, why: string][] = [
    ['mixed', JSON.stringify({ ...one, d: two.d }), 'do not belong together'],
    ['id', JSON.stringify({ ...one, kid: two.kid }), 'thumbprint'],
    ['public', JSON.stringify(publicKeyOf(one)), 'private part'],
    ['pem', '-----BEGIN PRIVATE KEY-----\n', 'PEM'],
    ['text', 'secret', 'not JSON'],
    ['list', '[]', 'Invalid'],
  ];
  for (const [name, text, why] of wrong) {
    const file = join(folder, `${name}.json`);
    await writeFile(file, text, { mode: 0o600 });
    await expect(readKeyFile(file, '--root-key'), name).rejects.toMatchObject({
      code: 'bad-key-file',
      field: '--root-key',
      message: expect.stringContaining(why),
    });
  }
});

test('a file that others may read is refused, one that is not there is named', async () => {
  const file = join(folder, 'open.json');
  await writeFile(file, JSON.stringify(await generatePrivateKey()), { mode: 0o640 });
  await expect(readKeyFile(file, '--root-key')).rejects.toMatchObject({ code: 'exposed-file', hint: `chmod 600 ${file}` });
  await expect(readKeyFile(join(folder, 'none.json'), '--root-key')).rejects.toMatchObject({ code: 'bad-file', field: '--root-key' });
});

test('the fingerprint is SHA-256 of the raw public key (RFC 8032, test 1)', async () => {
  // Public key d75a9801..., SHA-256 by sha256sum.
  const x = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex').toString('base64url');
  expect((await fingerprintOf({ x })).replaceAll(' ', '')).toBe('21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9');
});
