import { createPrivateKey, X509Certificate } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { systemIds } from '../ids.ts';
import { type Certificates, openCertificates } from './certificates.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-tls-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (at = directory, named?: string[]): Promise<Certificates> =>
  openCertificates({ directory: at, clock: systemClock, ids: systemIds, names: [], named });
const rotationOf = ({ rotation }: Certificates) => rotation ?? expect.unreachable();

/** Does the server show what its own authority has signed, with the key that belongs to it? */
function expectConsistent({ authority = '', certificate, key }: Certificates): void {
  const [signer, shown] = [new X509Certificate(authority), new X509Certificate(certificate)];
  expect([shown.checkIssued(signer), shown.verify(signer.publicKey), shown.checkPrivateKey(createPrivateKey(key))]).toEqual([
    true,
    true,
    true,
  ]);
}

test('a prepared authority takes over at the start after a root has named it, and not before', async () => {
  const first = await open();
  const next = await rotationOf(first).prepare();
  expect(await rotationOf(first).prepare()).toEqual(next);
  await rotationOf(first).follow([first.authorityDigest ?? '']);
  expect((await open()).authorityDigest).toBe(first.authorityDigest);
  await rotationOf(first).follow([next.digest]);
  const second = await open();
  expect(second.authorityDigest).toBe(next.digest);
  expectConsistent(second);
  expect((await rotationOf(second).list()).map(({ state, digest }) => [state, digest])).toEqual([
    ['now', next.digest],
    ['before', first.authorityDigest],
  ]);
  expect(await open()).toMatchObject({ authorityDigest: next.digest, certificate: second.certificate });
});

test('a root that names neither of the two is refused, since devices would leave with it', async () => {
  const { authorityDigest = '', rotation } = await open();
  const next = (await rotation?.prepare())?.digest ?? '';
  const check = (named: string[], force = false) => rotation?.check(named, { before: [next, authorityDigest], force });
  await expect(check(['ab'.repeat(32)], true)).rejects.toMatchObject({ code: 'missing-authority', field: 'authorities' });
  await check([authorityDigest]);
  await check([next, authorityDigest]);
  // It shows the old one until it starts again.
  await expect(check([next])).rejects.toMatchObject({ code: 'authority-in-use', field: 'authorities' });
  await check([next], true);
  await rotation?.follow([next, authorityDigest]);
  await expect(check([authorityDigest], true)).rejects.toMatchObject({ code: 'missing-authority' });
});

test('a fleet that ended between the root and its own note of it goes by the root', async () => {
  const first = await open();
  const next = await rotationOf(first).prepare();
  const named = [next.digest, first.authorityDigest ?? ''];
  expect((await open(directory, [first.authorityDigest ?? ''])).authorityDigest).toBe(first.authorityDigest);
  const second = await open(directory, named);
  expect(second.authorityDigest).toBe(next.digest);
  expectConsistent(second);
  expect(await open(directory, named)).toMatchObject({ authorityDigest: next.digest, certificate: second.certificate });
});

test('a cut between any two of its steps is mended by the next start', async () => {
  const first = await open();
  const next = await rotationOf(first).prepare();
  await rotationOf(first).follow([next.digest]);
  const tls = join(directory, 'tls');
  const [key, certificate] = await Promise.all(['next-key.pem', 'next.pem'].map((name) => readFile(join(tls, name), 'utf8')));
  // What lies there after each step of taking over.
  const steps: [string, string][][] = [
    [['before.pem', first.authority ?? '']],
    [['authority.pem.new', certificate ?? '']],
    [['authority-key.pem', key ?? '']],
    [['authority.pem', certificate ?? '']],
  ];
  for (let cut = 0; cut <= steps.length; cut += 1) {
    const at = join(directory, `cut-${cut}`);
    await cp(tls, join(at, 'tls'), { recursive: true });
    for (const [name, text] of steps.slice(0, cut).flat()) await writeFile(join(at, 'tls', name), text);
    if (cut >= 3) await rm(join(at, 'tls', 'next-key.pem'));
    const opened = await open(at);
    expect(opened.authorityDigest, `cut ${cut}`).toBe(next.digest);
    expectConsistent(opened);
    expect((await readdir(join(at, 'tls'))).filter((name) => name.startsWith('next') || name === 'promote')).toEqual([]);
  }
});
