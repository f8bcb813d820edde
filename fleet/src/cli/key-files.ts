import {
  bytesToHex,
  hexToBytes,
  keyIdOf,
  type PrivateKey,
  type PublicKey,
  privateKeySchema,
  publicKeyOf,
  sha256,
  signDocument,
  signerOf,
  verifyDocument,
} from '@starling/shared';
import { z } from 'zod';
import { cliError } from './errors.ts';
import { readPrivateFile, writePrivateFile } from './private-files.ts';

/**
 * Reads a private Ed25519 key: a JWK in a file of mode 0600.
 * @param field the flag that named the file
 * @throws StarlingError `bad-file`, `exposed-file`, `bad-key-file`
 */
export async function readKeyFile(path: string, field: string): Promise<PrivateKey> {
  const text = await readPrivateFile(path, field);
  if (text === undefined) {
    throw cliError('bad-file', `there is no key file ${path}`, {
      field,
      hint: `make one with "starling key create", or name yours${field.startsWith('--') ? ` with ${field} FILE` : ''}${demoKeyHint(field)}`,
    });
  }
  const refuse = (why: string): Error =>
    cliError('bad-key-file', `${path} is no private Ed25519 key: ${why}`, {
      field,
      hint: 'a key file is a JWK {"kty":"OKP","crv":"Ed25519","x","d","kid"}, as "starling key create" writes it',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(text.includes('-----BEGIN') ? 'it is a PEM file' : 'it is not JSON');
  }
  const parsed = privateKeySchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(
      issue?.path[0] === 'd' && (value as { d?: unknown }).d === undefined
        ? 'the private part "d" is missing'
        : `${issue?.path.join('.')}: ${issue?.message}`,
    );
  }
  const key = parsed.data;
  if ((await keyIdOf(key)) !== key.kid) throw refuse('"kid" is not the thumbprint of "x"');
  if (!(await belongTogether(key))) throw refuse('"d" and "x" do not belong together');
  return key;
}

/** Where those of the demo lie, which makes its own. */
export function demoKeyHint(field: string): string {
  const file = { '--publisher-key': 'publisher-key.json', '--root-key': 'root-key.json' }[field];
  return file === undefined ? '' : `; that of the demo is .starling/demo/${file} in the folder where it runs`;
}

export function writeKeyFile(path: string, key: PrivateKey, field: string): Promise<void> {
  return writePrivateFile(path, `${JSON.stringify(key, undefined, 2)}\n`, { replace: false, field });
}

async function belongTogether(key: PrivateKey): Promise<boolean> {
  try {
    const signed = await signDocument(await signerOf(key), 'time', {});
    await verifyDocument(signed, { kind: 'time', keys: [publicKeyOf(key)], schema: z.object({}), maximumBytes: signed.length });
    return true;
  } catch {
    return false;
  }
}

/** SHA-256 of the raw public key in groups of four digits, to read out over a telephone. */
export async function fingerprintOf(key: Pick<PublicKey, 'x'>): Promise<string> {
  const raw = hexToBytes(Buffer.from(key.x, 'base64url').toString('hex'));
  return (bytesToHex(await sha256(raw)).match(/.{4}/g) ?? []).join(' ');
}
