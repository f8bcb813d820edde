import type { TrustRoot } from '@starling/shared';
import type { Context } from '../context.ts';
import { numberOption } from '../options.ts';

/** Days for which a root document is good. */
export const rootLife = numberOption().int().min(1).max(3650).default(365);

export function sayPublished({ output }: Context, { version, digest, root }: { version: number; digest: string; root: TrustRoot }): void {
  output.result(
    { version, digest, root },
    () => `root ${version} is published, valid until ${new Date(root.expiresAtMs).toISOString()}`,
    () => [String(version)],
  );
}
