import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';
import { z } from 'zod';
import { FLEET_VERSION } from '../version.ts';
import { bundleAgent } from './bundle.ts';
import { copyPart, findNode, findParts, type Part, type Platform } from './parts.ts';

/** One package on disk, addressed by what went into it. */
export interface BuiltPackage {
  platform: Platform;
  version: string;
  file: string;
  /** SHA-256 of the file. */
  digest: string;
  sizeBytes: number;
  /** Package name -> version of everything native inside. */
  parts: Record<string, string>;
  /** It was there already. */
  known: boolean;
}

const launcher = fileURLToPath(new URL('./starling-agent.sh', import.meta.url));
const sidecarSchema = z.object({ digest: z.string(), sizeBytes: z.number() });
const KEY_LENGTH = 12;

/**
 * Builds the agent package of a platform: its own Node, the bundled agent, the native libraries. Nothing is built twice for the same
 * inputs. The file appears by rename, whole or not at all.
 */
export async function buildPackage(platform: Platform, directory: string): Promise<BuiltPackage> {
  const [node, parts, bundle] = await Promise.all([findNode(platform), findParts(platform), bundleAgent()]);
  const versions = Object.fromEntries([node, ...parts].map(({ name, version }) => [name, version]));
  const hash = createHash('sha256')
    .update(JSON.stringify(versions))
    .update(await readFile(launcher));
  for (const [name, bytes] of bundle) hash.update(name).update(bytes);
  const key = hash.digest('hex').slice(0, KEY_LENGTH);
  const file = `starling-agent-${FLEET_VERSION}-${key}-${platform}.tar.gz`;
  const path = join(directory, file);
  const facts = { platform, version: `${FLEET_VERSION}-${key}`, file, parts: versions };
  const known = await readSidecar(path);
  if (known !== undefined) return { ...facts, ...known, known: true };

  await mkdir(directory, { recursive: true, mode: 0o700 });
  const stage = await mkdtemp(join(directory, 'stage-'));
  try {
    await stageFiles(stage, { node, parts, bundle, platform });
    const partial = `${path}.partial`;
    await pipeline(create({ gzip: { level: 6 }, cwd: stage, portable: true }, (await readdir(stage)).sort()), createWriteStream(partial));
    const digest = await digestOf(partial);
    const { size: sizeBytes } = await stat(partial);
    await rename(partial, path);
    await writeFile(`${path}.json`, JSON.stringify({ digest, sizeBytes }));
    return { ...facts, digest, sizeBytes, known: false };
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Removes packages of earlier versions, and what an interrupted build left. */
export async function prunePackages(directory: string, kept: readonly BuiltPackage[]): Promise<void> {
  const names = new Set(kept.flatMap(({ file }) => [file, `${file}.json`]));
  for (const name of await readdir(directory)) {
    if (!names.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

interface Contents {
  node: Part;
  parts: readonly Part[];
  bundle: ReadonlyMap<string, Uint8Array>;
  platform: Platform;
}

async function stageFiles(stage: string, { node, parts, bundle, platform }: Contents): Promise<void> {
  await mkdir(join(stage, 'bin'));
  await mkdir(join(stage, 'lib'));
  await cp(join(node.folder, 'bin/node'), join(stage, 'bin/node'), { dereference: true });
  await cp(join(node.folder, 'LICENSE'), join(stage, 'LICENSE.node'), { dereference: true });
  await cp(launcher, join(stage, 'bin/starling-agent'));
  for (const program of ['bin/node', 'bin/starling-agent']) await chmod(join(stage, program), 0o755);
  for (const [name, bytes] of bundle) await writeFile(join(stage, 'lib', name), bytes);
  await writeFile(join(stage, 'lib/package.json'), '{"type":"module"}\n');
  for (const part of parts) await copyPart(part, join(stage, 'node_modules'), platform);
}

async function readSidecar(path: string): Promise<z.infer<typeof sidecarSchema> | undefined> {
  const text = await readFile(`${path}.json`, 'utf8').catch(() => undefined);
  const kept = text === undefined ? undefined : sidecarSchema.safeParse(JSON.parse(text)).data;
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  // A file that was cut or changed is built anew.
  if (kept === undefined || size !== kept.sizeBytes || (await digestOf(path)) !== kept.digest) return undefined;
  return kept;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
