import { StarlingError } from '@starling/shared';

/**
 * Labels from words such as `site=oslo role=gate`.
 * @throws StarlingError `invalid-label`
 */
export function parseLabels(text: string): Record<string, string> {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const pairs = words.map((word): [string, string] => {
    const [key = '', ...rest] = word.split('=');
    if (!/^[a-z0-9][a-z0-9._/-]{0,62}$/.test(key))
      throw new StarlingError('invalid-label', `"${word}" is no label`, {
        field: 'labels',
        hint: 'write key=value, e.g. site=oslo; keys in lower case',
      });
    return [key, rest.join('=')];
  });
  return Object.fromEntries(pairs);
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`))
    .join(' ');
}
