import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generatePrivateKey, type PrivateKey, privateKeySchema } from '@starling/shared';
import { z } from 'zod';
import type { OperatorKeys } from '../harness/operator.ts';

/** Reads JSON that an earlier start kept; undefined if there is none. */
export async function readKept<Schema extends z.ZodType>(file: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (schema.parse(JSON.parse(text)) as z.infer<Schema>);
}

/** Keeps JSON for the next start, readable by its owner alone; whole or not at all. */
export async function keep(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}

/** Keys that the demo makes for itself. In earnest, root and publisher keys never lie beside the fleet: its root says `demo`. */
export async function readOrMakeKeys(folder: string): Promise<OperatorKeys> {
  return { root: await readOrMakeKey(`${folder}/root-key.json`), publisher: await readOrMakeKey(`${folder}/publisher-key.json`) };
}

async function readOrMakeKey(file: string): Promise<PrivateKey> {
  const known = await readKept(file, privateKeySchema);
  if (known !== undefined) return known;
  const key = await generatePrivateKey();
  await keep(file, key);
  return key;
}

export const portsSchema = z.object({ http: z.number(), https: z.number(), mqtt: z.number(), mqtts: z.number() });
export type Ports = z.infer<typeof portsSchema>;
