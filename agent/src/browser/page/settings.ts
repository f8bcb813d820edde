/** What the address of the page says: a claim token, and settings for those who try something out. */
export interface PageSettings {
  token?: string;
  providers?: string[];
  threads?: number;
}

/**
 * Takes the settings out of the fragment of the address, which no server sees, and the token out of the address bar: it is a secret for
 * as long as it has uses left.
 */
export function takeSettings(): PageSettings {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get('token');
  const providers = given.get('providers');
  const threads = Number(given.get('threads') ?? Number.NaN);
  if (token !== null) {
    given.delete('token');
    const left = given.toString();
    history.replaceState(null, '', `${location.pathname}${location.search}${left === '' ? '' : `#${left}`}`);
  }
  return {
    ...(token === null ? {} : { token }),
    ...(providers === null ? {} : { providers: providers.split(',') }),
    ...(Number.isInteger(threads) && threads > 0 ? { threads } : {}),
  };
}
