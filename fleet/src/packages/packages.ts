import type { Clock, Log } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';

export interface Packages {
  /** The command that fetches, verifies and installs an agent and enrols it. */
  installCommand(
    token: string,
    certificates: { authority: string | undefined; authorityDigest: string | undefined },
  ): Promise<string | null>;
}

export interface PackagePorts {
  directory: string;
  keyring: Keyring;
  clock: Clock;
  log: Log;
  publicUrl: string;
}

export function createPackages({ publicUrl }: PackagePorts): Packages {
  return {
    async installCommand(token) {
      return `STARLING_TOKEN='${token}' STARLING_FLEET=${publicUrl} starling-agent enrol`;
    },
  };
}
