import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWith, StarlingError } from '@starling/shared';
import { compose } from './compose.ts';
import { expose } from './expose.ts';
import { seededRandom } from './random.ts';
import { SCENE_HEIGHT, SCENE_WIDTH, type Scene, type SceneIndex, sceneIndexSchema } from './scene.ts';

export interface SceneOptions {
  folder: string;
  count: number;
  seed: number;
  onProgress?: (done: number) => void;
}

const INDEX_FILE = 'scenes.json';
const PAINTERS = 3;

/**
 * Paints `scene-0001.jpg` and so on, and `scenes.json` with the text in each. The same seed gives the same bytes on the same platform.
 *
 * @throws StarlingError `invalid-count`
 */
export async function writeScenes({ folder, count, seed, onProgress }: SceneOptions): Promise<SceneIndex> {
  if (!Number.isInteger(count) || count < 1 || count > 9999) {
    throw new StarlingError('invalid-count', `${count} scenes cannot be painted`, {
      field: 'count',
      hint: 'give a whole number from 1 to 9999',
    });
  }
  await mkdir(folder, { recursive: true });
  const scenes: Scene[] = new Array(count);
  let next = 0;
  let done = 0;
  const paint = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const random = seededRandom(seed, index);
      const { kind, texts, svg } = compose(index, random);
      const file = `scene-${String(index + 1).padStart(4, '0')}.jpg`;
      await replace(join(folder, file), await expose(svg, random));
      scenes[index] = { file, seed, kind, texts };
      done += 1;
      onProgress?.(done);
    }
  };
  // While one is in sharp's threads, the next is composed in this one.
  await Promise.all(Array.from({ length: PAINTERS }, paint));
  const written: SceneIndex = { schemaVersion: 1, width: SCENE_WIDTH, height: SCENE_HEIGHT, scenes };
  await replace(join(folder, INDEX_FILE), `${JSON.stringify(written, null, 1)}\n`);
  return written;
}

/** The index of a folder that `writeScenes` has filled. @throws StarlingError `not-found`, or `invalid-document` if it is damaged */
export async function readScenes(folder: string): Promise<SceneIndex> {
  const text = await readFile(join(folder, INDEX_FILE), 'utf8').catch((cause: unknown) => {
    throw new StarlingError('not-found', `${folder} holds no scenes`, {
      hint: 'paint them first: node e2e/scenes/main.ts --out FOLDER',
      cause,
    });
  });
  return parseWith(sceneIndexSchema, JSON.parse(text));
}

/** Whoever watches the folder never sees half a file: it appears under its name when it is whole. */
async function replace(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}
