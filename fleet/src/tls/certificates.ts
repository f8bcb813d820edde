// What @peculiar/x509 registers its classes with; it has to be there first.
import 'reflect-metadata';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { messageOf, StarlingError } from '@starling/shared';
import type { Clock, Ids } from '../ports.ts';
import {
  type AuthorityFiles,
  type AuthorityRotation,
  authorityDigestOf,
  createRotation,
  filesOf,
  type RotationPorts,
  takeNextAuthority,
} from './rotation.ts';

export interface Certificates {
  key: string;
  certificate: string;
  /** PEM of the authority that devices pin; undefined with given certificates, which a public one vouches for. */
  authority: string | undefined;
  /** SHA-256 of the DER of the authority. */
  authorityDigest: string | undefined;
  /** Undefined with given certificates. */
  rotation: AuthorityRotation | undefined;
}

export interface CertificateOptions {
  directory: string;
  clock: Clock;
  ids: Ids;
  /** Names and addresses beside those of this machine. */
  names: readonly string[];
  given?: { key: string; certificate: string } | undefined;
  /** Authorities that the newest root names, for a fleet of one process. */
  named?: readonly string[] | undefined;
  shared?: RotationPorts['shared'];
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS;
/** Browsers refuse more than 398 days. */
const SERVER_LIFE_MS = 390 * DAY_MS;
const RENEW_BEFORE_MS = 30 * DAY_MS;

/**
 * Reads the given certificate, or keeps an authority in the data directory and a server certificate under it, renewed before it ends and
 * whenever the names of this machine change.
 * @throws StarlingError `bad-certificate`
 */
export async function openCertificates(options: CertificateOptions): Promise<Certificates> {
  if (options.given !== undefined) {
    try {
      const [key, certificate] = await Promise.all([readFile(options.given.key, 'utf8'), readFile(options.given.certificate, 'utf8')]);
      return { key, certificate, authority: undefined, authorityDigest: undefined, rotation: undefined };
    } catch (cause) {
      throw new StarlingError('bad-certificate', `the given certificate cannot be read: ${messageOf(cause)}`, { field: 'tls', cause });
    }
  }
  x509.cryptoProvider.set(globalThis.crypto);
  const directory = join(options.directory, 'tls');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await takeNextAuthority(directory, options.named);
  const authority = await openAuthority(filesOf(directory, 'authority'), options);
  const server = await openServerCertificate(directory, authority, options);
  const certificate = authority.certificate.toString('pem');
  const makeNext = async (files: AuthorityFiles): Promise<string> => (await openAuthority(files, options)).certificate.toString('pem');
  return {
    ...server,
    authority: certificate,
    authorityDigest: authorityDigestOf(certificate),
    rotation: createRotation({ directory, now: certificate, makeNext, shared: options.shared }),
  };
}

/** What Web Crypto calls a CryptoKey, whichever declarations of it are in force. */
type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

interface Authority {
  certificate: x509.X509Certificate;
  privateKey: SigningKey;
}

async function openAuthority(files: AuthorityFiles, { clock, ids }: CertificateOptions): Promise<Authority> {
  const known = await readBoth(files);
  if (known !== undefined) return { certificate: new x509.X509Certificate(known.certificate), privateKey: await importKey(known.key) };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const serial = serialNumber(ids);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    // Each has a name of its own: TLS looks for the signer of a certificate by name, and finds one alone.
    name: `CN=Starling fleet authority ${serial.slice(0, 8)}`,
    notBefore: new Date(clock.nowMs() - DAY_MS),
    notAfter: new Date(clock.nowMs() + AUTHORITY_LIFE_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  await writeBoth(files, certificate.toString('pem'), await exportKey(keys.privateKey));
  return { certificate, privateKey: keys.privateKey };
}

async function openServerCertificate(
  directory: string,
  authority: Authority,
  options: CertificateOptions,
): Promise<{ key: string; certificate: string }> {
  const { clock, ids } = options;
  const files = filesOf(directory, 'server');
  const names = serverNames(options.names);
  const known = await readBoth(files);
  if (known !== undefined && (await stillGood(new x509.X509Certificate(known.certificate), authority, names, clock.nowMs()))) return known;
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(ids),
    subject: `CN=${names[0] ?? 'localhost'}`,
    issuer: authority.certificate.subject,
    notBefore: new Date(clock.nowMs() - DAY_MS),
    notAfter: new Date(clock.nowMs() + SERVER_LIFE_MS),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  });
  const pem = { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
  await writeBoth(files, pem.certificate, pem.key);
  return pem;
}

/** All names by which this machine may be called. */
function serverNames(extra: readonly string[]): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = addresses.map(({ address }) => address.replace(/%.*$/, ''));
  return [...new Set(['localhost', hostname(), `${hostname()}.local`, '127.0.0.1', '::1', ...own, ...extra])];
}

async function stillGood(
  certificate: x509.X509Certificate,
  authority: Authority,
  names: readonly string[],
  nowMs: number,
): Promise<boolean> {
  if (certificate.notAfter.getTime() - nowMs < RENEW_BEFORE_MS) return false;
  if (!(await certificate.verify({ publicKey: authority.certificate, signatureOnly: true }))) return false;
  const listed = new Set(certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map((name) => normalise(name.value)));
  return names.every((name) => listed.has(normalise(name)));
}

/** Certificates write IPv6 addresses in their own way. */
function normalise(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname : name;
}

function serialNumber(ids: Ids): string {
  const bytes = ids.bytes(16);
  // Positive, as RFC 5280 demands.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

async function exportKey(key: SigningKey): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', key);
  return x509.PemConverter.encode(der, 'PRIVATE KEY');
}

async function importKey(pem: string): Promise<SigningKey> {
  const [der] = x509.PemConverter.decode(pem);
  return await crypto.subtle.importKey('pkcs8', der as ArrayBuffer, algorithm, false, ['sign']);
}

async function readBoth(files: AuthorityFiles): Promise<{ certificate: string; key: string } | undefined> {
  try {
    return { certificate: await readFile(files.certificate, 'utf8'), key: await readFile(files.key, 'utf8') };
  } catch {
    return undefined;
  }
}

async function writeBoth(files: AuthorityFiles, certificate: string, key: string): Promise<void> {
  await writeFile(`${files.key}.new`, key, { mode: 0o600 });
  await writeFile(`${files.certificate}.new`, certificate);
  await rename(`${files.key}.new`, files.key);
  await rename(`${files.certificate}.new`, files.certificate);
}
