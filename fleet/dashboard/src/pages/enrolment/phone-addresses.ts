/**
 * Addresses for the code, best first. One under which the dashboard itself is open, by HTTPS, works in the network where somebody sits.
 * @param reachable as the fleet knows them. @param here origin of the dashboard
 */
export function phoneAddresses(reachable: readonly string[], here: string): string[] {
  const { protocol, hostname } = new URL(here);
  const isOpenHere = protocol === 'https:' && hostname !== 'localhost' && hostname !== '[::1]' && !hostname.startsWith('127.');
  return [...new Set([...(isOpenHere ? [here] : []), ...reachable])];
}

/** `ab:cd:…` in capitals, as the settings of phones and browsers show it. */
export function fingerprintText(digest: string): string {
  return (digest.toUpperCase().match(/../g) ?? []).join(':');
}
