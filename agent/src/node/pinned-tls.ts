import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { StarlingError } from '@starling/shared';

/** Whom to believe, and since when. */
export interface Authority {
  /** PEM of the fleet's own authorities: the one that the claim token has pinned, or those that a root has named since. */
  certificates(): readonly string[];
  /** A time that has surely come: the last that the fleet has signed, plus what has gone by. Undefined before the first login. */
  earliestNowMs?: (() => number | undefined) | undefined;
}

const TIMEOUT_MS = 20_000;
/** What OpenSSL says where nothing but this machine's clock and the certificate disagree, or where that is the last thing it noticed. */
const clockErrors: ReadonlySet<string> = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

/**
 * Opens a TLS connection to a fleet with a pinned authority. A device without a battery wakes up in 1970 and would refuse every
 * certificate for ever: it learns the time from the fleet, for which it has to connect first. So a certificate that the clock speaks
 * against is checked without it: signed by the pinned authority, for this host, and not known to have expired.
 * Nothing is written before the check.
 * @throws StarlingError `unreachable`, `certificate-refused`
 */
export function connectPinned(host: string, port: number, authority: Authority): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ca: [...authority.certificates()], rejectUnauthorized: false, timeout: TIMEOUT_MS, ...name });
    const refuse = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', refuse);
    socket.once('timeout', () => refuse(new StarlingError('unreachable', `no answer within ${TIMEOUT_MS / 1000} s`, { retryable: true })));
    socket.once('secureConnect', () => {
      const reason = refusalOf(socket, host, authority);
      if (reason !== undefined) return refuse(new StarlingError('certificate-refused', `the certificate of ${host} is refused: ${reason}`));
      socket.removeAllListeners('error');
      socket.removeAllListeners('timeout');
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** Why the peer is not believed; undefined if it is. */
function refusalOf(socket: TLSSocket, host: string, { certificates, earliestNowMs }: Authority): string | undefined {
  if (socket.authorized) return undefined;
  const code = String(socket.authorizationError);
  const peer = socket.getPeerX509Certificate();
  if (peer === undefined || !clockErrors.has(code)) return code;
  // Attack: a certificate of nobody in particular, with wrong dates to hide behind. OpenSSL names only the last fault that it found.
  const issuers = certificates().map((certificate) => new X509Certificate(certificate));
  if (!issuers.some((issuer) => peer.checkIssued(issuer) && peer.verify(issuer.publicKey))) return 'another authority has signed it';
  if ((isIP(host) === 0 ? peer.checkHost(host) : peer.checkIP(host)) === undefined) return 'it is for another host';
  const knownMs = earliestNowMs?.();
  return knownMs !== undefined && knownMs > Date.parse(peer.validTo) ? `it has expired at ${peer.validTo}` : undefined;
}
