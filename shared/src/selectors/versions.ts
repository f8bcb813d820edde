/** `1.4`, `v1.4.0`, `1.4.0-rc.1+build`: as Semantic Versioning 2.0.0, but missing numbers are zero. */
const pattern = /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

export function isVersion(text: string): boolean {
  return pattern.test(text);
}

/**
 * Orders versions by precedence (Semantic Versioning 2.0.0, section 11). Text that is no version comes before all versions, and
 * is ordered by its letters: what devices say of themselves may be anything, and every two of them must have an order.
 * @returns below, above or equal to 0
 */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [pattern.exec(left), pattern.exec(right)];
  if (a === null || b === null) {
    if (a === null && b === null) return compare(left, right);
    return a === null ? -1 : 1;
  }
  for (const part of [1, 2, 3]) {
    const difference = compare(Number(a[part] ?? 0), Number(b[part] ?? 0));
    if (difference !== 0) return difference;
  }
  return compareEarly(a[4], b[4]);
}

/** A version before its release (`-rc.1`) is older than the release. */
function compareEarly(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined) return Number(right !== undefined) - Number(left !== undefined);
  const [a, b] = [left.split('.'), right.split('.')];
  for (let place = 0; place < Math.max(a.length, b.length); place += 1) {
    const [one, other] = [a[place], b[place]];
    if (one === undefined || other === undefined) return Number(one !== undefined) - Number(other !== undefined);
    const difference = compareIdentifiers(one, other);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers by their value, and before words. */
function compareIdentifiers(left: string, right: string): number {
  const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
  if (!leftIsNumber) return compare(left, right);
  const [a, b] = [left.replace(/^0+(?=\d)/, ''), right.replace(/^0+(?=\d)/, '')];
  return compare(a.length, b.length) || compare(a, b);
}

function compare<Value extends string | number>(left: Value, right: Value): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
