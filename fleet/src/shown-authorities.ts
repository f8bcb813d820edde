import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { Database } from './db/index.ts';
import type { ExternalBrokerSettings } from './external-broker.ts';
import { liveLeases, processShares } from './shards/index.ts';
import type { ListedAuthority, ShownAuthority } from './tls/index.ts';

/** A broker that answers later than that is not looked at: whether devices believe it is then for whoever replaces the authority. */
const BROKER_ANSWERS_MS = 3_000;
const tlsPorts: Readonly<Record<string, number>> = { 'mqtts:': 8883, 'wss:': 443 };

/** To whom devices of a fleet of several processes connect: the processes, and the broker where one of the fleet's own authorities has signed for it. */
export function shownIn(
  db: Database,
  { publicUrls }: Pick<ExternalBrokerSettings, 'publicUrls'>,
): (authorities: readonly ListedAuthority[]) => Promise<ShownAuthority[]> {
  return async (authorities) => {
    const processes = processShares('', await liveLeases(db)).items.flatMap(({ id, authority }) =>
      authority === null ? [] : [{ name: `process ${id}`, authority }],
    );
    const brokers = await Promise.all(publicUrls.map((url) => shownByBroker(url, authorities)));
    return [...processes, ...brokers.flatMap((shown) => shown ?? [])];
  };
}

async function shownByBroker(url: string, authorities: readonly ListedAuthority[]): Promise<ShownAuthority | undefined> {
  const { protocol, hostname, port } = new URL(url);
  const usual = tlsPorts[protocol];
  if (usual === undefined) return undefined;
  const shown = await certificateAt(hostname, port === '' ? usual : Number(port));
  const signer = authorities.find(({ certificate }) => shown?.verify(new X509Certificate(certificate).publicKey) === true);
  return signer === undefined ? undefined : { name: `the broker at ${url}`, authority: signer.digest };
}

/** The certificate that a port shows to whoever comes; undefined where none answers. */
function certificateAt(host: string, port: number): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    // It is looked at, not believed.
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: BROKER_ANSWERS_MS }, () => {
      resolve(socket.getPeerX509Certificate());
      socket.destroy();
    });
    const giveUp = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.once('timeout', giveUp).once('error', giveUp);
  });
}
