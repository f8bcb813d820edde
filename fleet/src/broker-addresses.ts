/** Where devices may find the broker. */
export interface BrokerPlaces {
  /** Address under which the fleet is known; a proxy may stand there, with ports of its own. */
  publicUrl: string;
  httpsPort: number;
  mqttsPort: number;
}

/**
 * Addresses of the broker for a device that came by an address, best first: those at the name by which it came, since the public one
 * may not resolve where it stands, then those at the public one. Browsers take the WebSockets, others whichever opens.
 */
export function brokerAddresses({ publicUrl, httpsPort, mqttsPort }: BrokerPlaces): (cameBy: URL) => string[] {
  const known = new URL(publicUrl);
  const at = (name: string): string[] => [
    `mqtts://${name}:${mqttsPort}`,
    ...(name === known.hostname && known.protocol === 'https:' ? [`wss://${known.host}/mqtt`] : []),
    `wss://${name}:${httpsPort}/mqtt`,
  ];
  return (cameBy) => {
    // In the clear on this machine alone, where a browser need not trust a certificate to be in a secure context: no list that a device
    // elsewhere gets may let whoever cuts its TLS connections have its password.
    const local = cameBy.protocol === 'http:' && isLoopback(cameBy.hostname) ? [`ws://${cameBy.host}/mqtt`] : [];
    return [...new Set([...at(cameBy.hostname), ...local, ...at(known.hostname)])];
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
