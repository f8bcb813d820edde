import type { BuiltPackage } from './build-package.ts';

export interface InstallerFacts {
  /** Address of the fleet, without a slash at its end. */
  url: string;
  authority: string | undefined;
  /** Public half of the fleet key, base64url. */
  key: string;
  packages: readonly BuiltPackage[];
}

/** Fills the template of the installer. What is filled in comes from this fleet alone, and none of it can hold a quote. */
export function renderInstaller(template: string, { url, authority, key, packages }: InstallerFacts): string {
  const cases = packages
    .map(({ platform, file, digest, version }) => `    ${platform}) file='${file}' digest='${digest}' version='${version}' ;;`)
    .join('\n');
  return template
    .replace('@URL@', () => url)
    .replace('@INSECURE@', () => (authority === undefined ? '' : 'yes'))
    .replace('@KEY@', () => key)
    .replace('    # @PACKAGES@', () => cases);
}
