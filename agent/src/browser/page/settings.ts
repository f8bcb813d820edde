/** What the address of the page says: a claim token, and settings for those who try something out. */
export interface PageSettings {
  token?: string;
  providers?: string[];
  threads?: number;
  runTimeoutMs?: number;
}

/**
 * Takes the settings out of the fragment of the address, which no server sees, and the token out of the address bar: it is a secret for
 * as long as it has uses left.
 */
export function takeSettings(): PageSettings {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get('token');
  const providers = given.get('providers');
  if (token !== null) {
    given.delete('token');
    const left = given.toString();
    history.replaceState(null, '', `${location.pathname}${location.search}${left === '' ? '' : `#${left}`}`);
  }
  return {
    ...(token === null ? {} : { token }),
    ...(providers === null ? {} : { providers: providers.split(',') }),
    ...wholeNumber('threads', given),
    ...wholeNumber('runTimeoutMs', given),
  };
}

function wholeNumber<Name extends string>(name: Name, given: URLSearchParams): { [Key in Name]?: number } {
  const value = Number(given.get(name) ?? Number.NaN);
  return Number.isInteger(value) && value > 0 ? ({ [name]: value } as { [Key in Name]: number }) : {};
}
