import { readFileSync } from 'node:fs';
import { messageOf, StarlingError } from '@starling/shared';
import type { ExternalBrokerOptions } from './broker/index.ts';

/** A broker that is not ours, and what devices and the broker itself are told of it. */
export interface ExternalBrokerSettings extends ExternalBrokerOptions {
  publicUrls: string[];
  /** In the path of what it asks; undefined for one that asks nothing. */
  secret: string | undefined;
  /** Seals what the processes of a fleet share. */
  clusterSecret: string;
}

interface BrokerConfig {
  databaseUrl?: string | undefined;
  brokerUrl?: string | undefined;
  brokerUsername: string;
  brokerPassword?: string | undefined;
  brokerAuthority?: string | undefined;
  brokerPublicUrls: string[];
  brokerLogins?: ExternalBrokerOptions['logins'] | undefined;
  brokerSecret?: string | undefined;
  clusterSecret?: string | undefined;
  blobStore?: string | undefined;
}

/**
 * What belongs to `brokerUrl`.
 * @returns undefined where the embedded broker is meant
 * @throws StarlingError `invalid-config` that names the setting
 */
export function readExternalBroker(config: BrokerConfig): ExternalBrokerSettings | undefined {
  const { brokerUrl, brokerUsername: username, brokerPassword: password, brokerPublicUrls, brokerLogins: logins } = config;
  if (brokerUrl === undefined) return undefined;
  if (config.databaseUrl === undefined)
    throw missing('databaseUrl', 'brokerUrl needs a Postgres', 'the embedded database serves one process');
  if (config.blobStore === undefined)
    throw missing('blobStore', 'brokerUrl needs blobs that all processes share', 's3://bucket/prefix, or file:///folder on a shared disk');
  if (config.clusterSecret === undefined)
    throw missing('clusterSecret', 'brokerUrl needs a secret for the keys that processes share', 'by STARLING_CLUSTER_SECRET or the file');
  if (password === undefined) throw missing('brokerPassword', 'brokerUrl needs a password', 'by STARLING_BROKER_PASSWORD or the file');
  if (logins === undefined) {
    const hint = 'mosquitto, where its dynamic security is loaded; http for RabbitMQ and EMQX';
    throw missing('brokerLogins', 'say how the broker learns the logins of devices', hint);
  }
  if (brokerPublicUrls.length === 0)
    throw missing('brokerPublicUrls', 'devices have to be told where the broker is', 'such as mqtts://broker.example:8883');
  if (logins === 'http' && config.brokerSecret === undefined)
    throw missing('brokerSecret', 'a broker that asks the fleet needs a secret', 'by STARLING_BROKER_SECRET or the file');
  return {
    ...{ urls: brokerUrl.split(','), username, password, logins, publicUrls: brokerPublicUrls },
    clusterSecret: config.clusterSecret,
    secret: logins === 'http' ? config.brokerSecret : undefined,
    ...(config.brokerAuthority === undefined ? {} : { authority: readAuthority(config.brokerAuthority) }),
  };
}

function readAuthority(path: string): string {
  try {
    // Files of ours end without a line end: two of them joined by "cat" are two certificates all the same.
    return readFileSync(path, 'utf8').replaceAll(/-----END CERTIFICATE-----(?=-----BEGIN)/g, '-----END CERTIFICATE-----\n');
  } catch (cause) {
    throw new StarlingError('invalid-config', `brokerAuthority: ${messageOf(cause)}`, { field: 'brokerAuthority', cause });
  }
}

function missing(field: string, message: string, hint: string): StarlingError {
  return new StarlingError('invalid-config', `${field}: ${message}`, { field, hint });
}
