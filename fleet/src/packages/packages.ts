import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AgentPackageView, messageOf, StarlingError, signDocument } from '@starling/shared';
import type { Log } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { type BuiltPackage, buildPackage, prunePackages } from './build-package.ts';
import { renderInstaller } from './installer.ts';
import { platforms } from './parts.ts';

export interface Packages {
  /** Builds what is not there yet; many callers wait for the same build. @throws StarlingError `no-root`, `package-part-missing`, `bundle-failed` */
  prepare(): Promise<void>;
  /** The command that fetches, verifies and installs an agent, and enrols it. Builds the packages first if they are not there. */
  installCommand(token: string): Promise<string>;
  /** The installer, which knows the digests of the packages. */
  installer(): Promise<string>;
  /** What there is, each signed by the fleet. */
  list(): Promise<AgentPackageView[]>;
  /** Its facts as a JWS by the fleet key, which the installer checks. @throws StarlingError `not-found`, `no-root` */
  signature(name: string): Promise<string>;
  /** Path of a package on disk. @throws StarlingError `not-found` */
  file(name: string): Promise<{ path: string; sizeBytes: number }>;
}

export interface PackagePorts {
  directory: string;
  keyring: Keyring;
  log: Log;
  publicUrl: string;
  /** PEM of the fleet's own authority; undefined if a public one vouches for its certificate. */
  authority: string | undefined;
}

const template = fileURLToPath(new URL('./install.sh', import.meta.url));

export function createPackages(ports: PackagePorts): Packages {
  const { directory, keyring, log, publicUrl, authority } = ports;
  let building: Promise<BuiltPackage[]> | undefined;

  const packages = (): Promise<BuiltPackage[]> => {
    building ??= buildAll().catch((error: unknown) => {
      // The next caller tries again.
      building = undefined;
      throw error;
    });
    return building;
  };
  const buildAll = async (): Promise<BuiltPackage[]> => {
    const built: BuiltPackage[] = [];
    for (const platform of platforms) {
      const startedMs = performance.now();
      const one = await buildPackage(platform, directory);
      built.push(one);
      if (!one.known)
        log.info(
          { platform, file: one.file, sizeBytes: one.sizeBytes, tookMs: Math.round(performance.now() - startedMs) },
          'agent package built',
        );
    }
    await prunePackages(directory, built).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'old agent packages stay'));
    return built;
  };
  /** Without a root no device can enrol: said before a minute of building. */
  const requireRoot = (): void => void keyring.signedRoot();
  const installer = async (): Promise<string> =>
    renderInstaller(await readFile(template, 'utf8'), { url: publicUrl, authority, key: keyring.fleetKey.x, packages: await packages() });
  const find = async (name: string): Promise<BuiltPackage> => {
    const found = (await packages()).find(({ file }) => file === name);
    if (found !== undefined) return found;
    throw new StarlingError('not-found', `there is no agent package ${name}`, { field: 'file', hint: 'get a new command from the fleet' });
  };
  const sign = ({ known: _known, ...facts }: BuiltPackage): Promise<string> =>
    signDocument(keyring.signer, 'agent-package', { kind: 'agent-package', schemaVersion: 1, fleetId: keyring.fleetId, ...facts });

  return {
    async prepare() {
      requireRoot();
      await packages();
    },
    installer,
    async installCommand(token) {
      const digest = createHash('sha256')
        .update(await installer())
        .digest('hex');
      // The digest stands for the certificate: what is fetched without one is checked before it is run. The token goes through a pipe,
      // for arguments can be read by every process of the machine.
      const insecure = authority === undefined ? '' : 'k';
      return [
        `curl -fsS${insecure} ${publicUrl}/api/v1/agent/install.sh -o starling-install.sh`,
        `echo '${digest}  starling-install.sh' | sha256sum -c -`,
        `printf %s '${token}' | sudo sh starling-install.sh`,
      ].join(' && ');
    },
    async list() {
      requireRoot();
      const listed: AgentPackageView[] = [];
      for (const built of await packages()) {
        const { known: _known, ...facts } = built;
        listed.push({ ...facts, signed: await sign(built) });
      }
      return listed;
    },
    signature: async (name) => sign(await find(name)),
    async file(name) {
      const { file, sizeBytes } = await find(name);
      return { path: join(directory, file), sizeBytes };
    },
  };
}
