import { StarlingError } from '@starling/shared';

/** Somebody to whom devices connect, and the digest of the authority that has signed what they are shown there. */
export interface ShownAuthority {
  name: string;
  authority: string;
}

const NAMED_MAXIMUM = 3;

/**
 * A root that names an authority no longer cuts devices off from whoever still shows a certificate of it.
 * @param before what devices believe until then; undefined: what their claim tokens pin, whichever that is
 * @throws StarlingError `authority-in-use`
 */
export function requireNobodyLost(
  shown: readonly ShownAuthority[],
  { named, before }: { named: readonly string[]; before: readonly string[] | undefined },
): void {
  const lost = shown.filter(({ authority }) => !named.includes(authority) && (before === undefined || before.includes(authority)));
  if (lost.length === 0) return;
  const some = lost.slice(0, NAMED_MAXIMUM).map(({ name }) => name);
  const more = lost.length > some.length ? ` and ${lost.length - some.length} more` : '';
  throw new StarlingError(
    'authority-in-use',
    `${lost.length} of ${shown.length} to whom devices connect still show an authority that they would believe no longer: ${some.join(', ')}${more}`,
    {
      field: 'authorities',
      hint: 'start every process of the fleet again, and give the broker a certificate of the new authority, first; --force drops the old one all the same',
    },
  );
}
