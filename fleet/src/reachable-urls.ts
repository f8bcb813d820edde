import type { NetworkInterfaceInfo } from 'node:os';

export interface Listening {
  publicUrl: string;
  /** Somebody set it, and so means it. */
  isGiven: boolean;
  /** Interface of the TLS ports. */
  host: string;
  httpsPort: number;
}

/** Interfaces that lead to containers and virtual machines of this machine, or into tunnels. */
const VIRTUAL = /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|cni|flannel|tun|tap|wg|zt|utun)/;

/**
 * HTTPS addresses at which another machine may reach this fleet, best first: the one that was set, then those of this machine on its
 * networks, which need no name service, then its name. A phone resolves the bare name of a machine in few networks. Pure.
 */
export function reachableUrls(
  { publicUrl, isGiven, host, httpsPort }: Listening,
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
): string[] {
  const url = (name: string): string => new URL(`https://${name.includes(':') ? `[${name}]` : name}:${httpsPort}`).origin;
  const listensEverywhere = host === '0.0.0.0' || host === '::';
  const own = Object.entries(interfaces)
    .toSorted(([a], [b]) => Number(VIRTUAL.test(a)) - Number(VIRTUAL.test(b)))
    .flatMap(([, addresses = []]) => addresses.filter(({ internal, family }) => !internal && family === 'IPv4'))
    .map(({ address }) => url(address));
  const local = listensEverywhere ? own : [url(host)];
  const all = isGiven ? [new URL(publicUrl).origin, ...local] : [...local, new URL(publicUrl).origin];
  // Listening on loopback, only a proxy at a set address can be reached.
  const isReachable = (each: string): boolean => !isLoopback(each) && (isGiven || !isLoopback(url(host)));
  return [...new Set(all)].filter(isReachable);
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
