import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generatePrivateKey, type PrivateKey, type SignedKind, signDocument, signerOf } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../harness/requires.ts';

const execute = promisify(execFile);
const template = fileURLToPath(new URL('../../fleet/src/packages/install.sh', import.meta.url));

/** The installer itself, with a package of some bytes whose Node is that of this test: what it checks is the same. */
describeWith(['curl'], 'the installer and the signature of a package', () => {
  let folder: string;
  let server: Server;
  let script: string;
  let bytes: Buffer;
  let digest: string;
  let key: PrivateKey;
  /** What the fleet says; undefined for one that is not there. */
  let served: { package: Buffer; signature: string | undefined };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-signature-'));
    key = await generatePrivateKey();
    const programs = { node: `exec ${process.execPath} "$@"`, 'starling-agent': 'echo enrols; exit 0' };
    await mkdir(join(folder, 'stage/bin'), { recursive: true });
    for (const [name, line] of Object.entries(programs)) {
      await writeFile(join(folder, 'stage/bin', name), `#!/bin/sh\n${line}\n`);
      await chmod(join(folder, 'stage/bin', name), 0o755);
    }
    await execute('tar', ['-czf', join(folder, 'package.tar.gz'), '-C', join(folder, 'stage'), 'bin']);
    bytes = await readFile(join(folder, 'package.tar.gz'));
    digest = createHash('sha256').update(bytes).digest('hex');
    server = createServer((request, response) => {
      if (!request.url?.endsWith('/signature')) return void response.end(served.package);
      if (served.signature === undefined) response.statusCode = 404;
      response.end(served.signature);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cases = ['linux-x64', 'linux-arm64'].map((platform) => `${platform}) file=package digest='${digest}' version=1 ;;`);
    script = (await readFile(template, 'utf8'))
      .replace('@URL@', url)
      .replace('@INSECURE@', '')
      .replace('@KEY@', key.x)
      .replace('# @PACKAGES@', cases.join('\n'));
  });
  afterAll(async () => {
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const sign = async (kind: SignedKind = 'agent-package', by = key, facts: object = { digest }): Promise<string> =>
    signDocument(await signerOf(by), kind, { kind, ...facts });
  const install = async (text = script) => {
    const cwd = await mkdtemp(join(folder, 'machine-'));
    await writeFile(join(cwd, 'install.sh'), text);
    const running = execute('sh', [join(cwd, 'install.sh'), '--root', join(cwd, 'root')], { cwd });
    running.child.stdin?.end();
    const { stderr, code = 0 } = (await running.catch((error: { code: number; stderr: string }) => error)) as {
      stderr: string;
      code?: number;
    };
    const left = (await readdir(join(cwd, 'root/opt/starling/versions'))).length;
    return { code, stderr, left, isInstalled: existsSync(join(cwd, 'root/opt/starling/current/bin/starling-agent')) };
  };
  const flip = (text: string, at: number): string => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

  test('a package that is signed by the fleet is installed', async () => {
    served = { package: bytes, signature: await sign() };
    expect(await install()).toMatchObject({ code: 0, isInstalled: true, left: 1, stderr: expect.stringContaining('installed ') });
  });

  test.each<[string, () => Promise<string>, RegExp]>([
    ['with a changed signature', async () => flip(await sign(), (await sign()).lastIndexOf('.') + 10), /not signed by this fleet/],
    ['with changed facts', async () => flip(await sign(), (await sign()).indexOf('.') + 10), /not signed by this fleet/],
    ['by another key', async () => sign('agent-package', await generatePrivateKey()), /not signed by this fleet/],
    ['of another package', () => sign('agent-package', key, { digest: 'ab'.repeat(32) }), /not signed by this fleet/],
    ['of another kind of document', () => sign('release'), /not signed by this fleet/],
    ['that is none', async () => '<html>not here</html>', /not signed by this fleet/],
    ['of no bytes', async () => '', /not signed by this fleet/],
  ])('a signature %s is refused, and nothing is left', async (_what, signature, message) => {
    served = { package: bytes, signature: await signature() };
    expect(await install()).toEqual({ code: 1, isInstalled: false, left: 0, stderr: expect.stringMatching(message) });
  });

  test('a package without a signature is not installed', async () => {
    served = { package: bytes, signature: undefined };
    const stderr = expect.stringMatching(/signature of the package could not be fetched[^\n]*nothing was installed\nfix: /);
    expect(await install()).toEqual({ code: 1, isInstalled: false, left: 0, stderr });
  });

  test('an installer that names another key takes no package of this fleet', async () => {
    served = { package: bytes, signature: await sign() };
    const { x } = await generatePrivateKey();
    expect(await install(script.replace(/^key=.*$/m, `key='${x}'`))).toMatchObject({ code: 1, isInstalled: false, left: 0 });
  });

  test('every byte of a package counts, and nothing in it runs before its digest is checked', async () => {
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      served = { package: changed, signature: await sign() };
      const stderr = expect.stringContaining('does not have the digest that the fleet announced; nothing was installed');
      expect(await install()).toEqual({ code: 1, isInstalled: false, left: 0, stderr });
    }
  });
});
