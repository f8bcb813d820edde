import { cp, mkdir, readFile, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StarlingError } from '@starling/shared';
import { z } from 'zod';

/** Platforms that an agent package is built for. */
export const platforms = ['linux-x64', 'linux-arm64'] as const;
export type Platform = (typeof platforms)[number];

const agentFolder = fileURLToPath(new URL('../../../agent', import.meta.url));
/** Packages that cannot be bundled, for they load native code by path. */
const nativePackages = ['onnxruntime-node', 'sharp'];
/** What only the install script of onnxruntime-node needs, and that script never runs. */
const installOnly = new Set(['adm-zip', 'global-agent']);
const manifestSchema = z.object({ name: z.string(), version: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });

export interface Part {
  name: string;
  version: string;
  folder: string;
}

/** The native packages of the agent, all that they depend on, and what they need on the platform; from what the lockfile installed. */
export async function findParts(platform: Platform): Promise<Part[]> {
  const found = new Map<string, Part>();
  const visit = async (name: string, from: string): Promise<void> => {
    if (found.has(name)) return;
    const folder = await packageFolder(name, from);
    const { version, dependencies } = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
    found.set(name, { name, version, folder });
    for (const dependency of Object.keys(dependencies)) if (!installOnly.has(dependency)) await visit(dependency, folder);
  };
  for (const name of nativePackages) await visit(name, agentFolder);
  const native = join(agentFolder, 'platforms');
  for (const name of [`@img/sharp-${platform}`, `@img/sharp-libvips-${platform}`]) await visit(name, native);
  return [...found.values()].sort((left, right) => left.name.localeCompare(right.name));
}

/** The Node that the package brings along. */
export async function findNode(platform: Platform): Promise<Part> {
  const name = `node-${platform}`;
  const folder = await packageFolder(name, join(agentFolder, 'platforms'));
  const { version } = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  return { name, version, folder };
}

/** Copies a part, without the native code of other platforms. */
export async function copyPart(part: Part, modules: string, platform: Platform): Promise<void> {
  const into = join(modules, part.name);
  await mkdir(into, { recursive: true });
  const [os, architecture] = platform.split('-') as [string, string];
  const foreign = (path: string): boolean => {
    const inside = path.slice(part.folder.length + 1);
    if (inside === 'node_modules' || inside.startsWith('node_modules/')) return true;
    const native = /^bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(inside);
    return native !== null && (native[1] !== os || (native[2] !== undefined && native[2] !== architecture));
  };
  await cp(part.folder, into, { recursive: true, dereference: true, filter: (path) => !foreign(path) });
}

/** The folder of an installed package, also of one whose exports hide its package.json. */
async function packageFolder(name: string, from: string): Promise<string> {
  const lookups = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  for (const lookup of lookups) {
    const folder = await realpath(join(lookup, name)).catch(() => undefined);
    if (folder !== undefined) return folder;
  }
  throw new StarlingError('package-part-missing', `${name} is not installed, so no agent package can be built`, {
    field: dirname(from),
    hint: 'run "pnpm install" in the folder of the fleet',
  });
}
