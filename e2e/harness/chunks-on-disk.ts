import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobManifest, readManifest } from '@starling/shared';

/** Every chunk that an agent holds whole on its disk: documents, chunks of complete blobs and of pulls under way, each hashed here. */
export async function chunksOnDisk(dataDirectory: string): Promise<Set<string>> {
  const documents = join(dataDirectory, 'documents');
  const chunks = new Set<string>();
  for (const name of await readdir(documents)) {
    // An agent that is still running collects its garbage meanwhile.
    const bytes = await readFile(join(documents, name)).catch(() => undefined);
    if (bytes === undefined || sha256(bytes) !== name) continue;
    chunks.add(name);
    const manifest = await readManifest(name, (digest) => readFile(join(documents, digest))).catch(() => undefined);
    if (manifest === undefined) continue;
    for (const [index, digest] of (await marked(dataDirectory, manifest)).entries())
      if (digest !== undefined) chunks.add(manifest.chunks[index]?.digest ?? '');
  }
  return chunks;
}

/** Per chunk of a blob: its digest where the agent has it and says so, else undefined. */
async function marked(dataDirectory: string, manifest: BlobManifest): Promise<(string | undefined)[]> {
  const complete = await readdir(join(dataDirectory, 'blobs'));
  if (complete.includes(manifest.digest)) return manifest.chunks.map(({ digest }) => digest);
  const partial = join(dataDirectory, 'partial', manifest.digest);
  const marks = await readFile(`${partial}.have`).catch(() => Buffer.alloc(0));
  const said = new Set(Array.from({ length: Math.floor(marks.length / 4) }, (_, at) => marks.readUInt32BE(4 * at)));
  const file = await open(partial, 'r').catch(() => undefined);
  if (file === undefined) return [];
  const found: (string | undefined)[] = [];
  let offset = 0;
  for (const [index, { digest, sizeBytes }] of manifest.chunks.entries()) {
    const bytes = Buffer.alloc(sizeBytes);
    await file.read(bytes, 0, sizeBytes, offset);
    offset += sizeBytes;
    found.push(said.has(index) && sha256(bytes) === digest ? digest : undefined);
  }
  await file.close();
  return found;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
