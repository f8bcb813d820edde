import type { Settings } from '@starling/shared';
import type { EmbeddedBroker } from './broker/index.ts';
import { brokerAddresses } from './broker-addresses.ts';
import type { FleetConfig } from './config.ts';

/** Where devices find the broker. */
export interface BrokerDoors {
  addresses: Pick<Settings['addresses'], 'mqtt' | 'mqtts' | 'wss'>;
  /** For a device that came by this address, best first. */
  brokerUrls(cameBy: URL): string[];
}

interface Places {
  publicUrl: string;
  host: string;
  httpsPort: number;
}

/** @throws StarlingError `port-taken` */
export async function openDoors(
  broker: EmbeddedBroker,
  config: FleetConfig,
  tls: { key: string; certificate: string },
  { publicUrl, host, httpsPort }: Places,
): Promise<BrokerDoors> {
  const mqttPort = await broker.listenTcp(config.mqttPort, config.insecure ? config.host : '127.0.0.1');
  const mqttsPort = await broker.listenTls(config.mqttsPort, config.host, { key: tls.key, cert: tls.certificate });
  return {
    addresses: { mqtt: `mqtt://127.0.0.1:${mqttPort}`, mqtts: `mqtts://${host}:${mqttsPort}`, wss: `wss://${host}:${httpsPort}/mqtt` },
    brokerUrls: brokerAddresses({ publicUrl, httpsPort, mqttsPort }),
  };
}

/** @param publicUrls as configured: only who set up that broker knows how devices reach it */
export function doorsElsewhere(url: string, publicUrls: readonly string[]): BrokerDoors {
  const first = (protocol: string): string => publicUrls.find((each) => each.startsWith(protocol)) ?? '';
  return { addresses: { mqtt: url, mqtts: first('mqtts:'), wss: first('wss:') }, brokerUrls: () => [...publicUrls] };
}
