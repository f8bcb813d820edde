/** Whose pages a request comes from, by the Origin that a browser puts on it. */
export interface Origins {
  /** Ours, so that it may change what its person may change. @param host as the request named it */
  isOwn(origin: string, host: string | undefined): boolean;
  /** One that may run devices: enrol, log in and speak to the broker. @returns what to answer it with, undefined if it may not */
  ofDevice(origin: string, host: string | undefined): string | undefined;
}

/**
 * @param own origins under which this fleet is known
 * @param browsers origins of others whose pages may run devices
 */
export function createOrigins(own: readonly string[], browsers: readonly string[]): Origins {
  // `null` is what sandboxed pages and files send; it is nobody's own.
  const isOwn: Origins['isOwn'] = (origin, host) => own.includes(origin) || (host !== undefined && hostOf(origin) === host);
  return {
    isOwn,
    ofDevice: (origin, host) => (browsers.includes('*') || browsers.includes(origin) || isOwn(origin, host) ? origin : undefined),
  };
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
