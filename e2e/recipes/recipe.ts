/** A recipe and what it runs on -> what comes out, by the program that people run it with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createStarling } from '../cli/starling.ts';

export interface RecipeRun {
  /** What each item gave, in their order. */
  items: { item: string; outputs: Record<string, unknown> }[];
}

export interface Recipe {
  file: string;
  /** For what it reads and writes. */
  folder: string;
  /** `starling pipeline run` with these options, in `folder`. @throws Error with what it said, if not every item succeeded */
  run(options: readonly string[]): Promise<RecipeRun>;
  remove(): Promise<void>;
}

export async function openRecipe(name: string): Promise<Recipe> {
  const file = fileURLToPath(new URL(`../../examples/pipelines/${name}.yaml`, import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), `recipe-${name}-`));
  const starling = createStarling(join(folder, 'configuration'), folder);
  return {
    file,
    folder,
    async run(options) {
      const { exitCode, stdout, stderr } = await starling.run(['pipeline', 'run', file, '--json', ...options]);
      if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}: ${stdout}${stderr}`);
      const lines = stdout.split('\n').filter((line) => line !== '');
      return { items: lines.map((line) => JSON.parse(line) as RecipeRun['items'][number]) };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A bright rectangle, in pixels. */
export interface Block {
  left: number;
  top: number;
  side: number;
}

/** A dark RGB picture with bright squares in it; what lies beside it is left out. */
export function paintBlocks(width: number, height: number, blocks: readonly Block[]): Buffer {
  const pixels = Buffer.alloc(width * height * 3, 40);
  for (const { left, top, side } of blocks) {
    const [from, to] = [Math.max(0, Math.round(left)), Math.min(width, Math.round(left + side))];
    for (let y = Math.max(0, top); y < Math.min(height, top + side); y += 1) {
      if (to > from) pixels.fill(230, (y * width + from) * 3, (y * width + to) * 3);
    }
  }
  return pixels;
}

/** A film of RGB pictures, ten a second. */
export async function writeFilm(
  ffmpeg: string,
  path: string,
  size: { width: number; height: number },
  frames: Iterable<Buffer>,
): Promise<void> {
  const child = spawn(
    ffmpeg,
    [
      ...['-hide_banner', '-loglevel', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${size.width}x${size.height}`],
      ...['-r', '10', '-i', '-', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '10', '-pix_fmt', 'yuv420p', path],
    ],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  );
  const ended = once(child, 'close');
  for (const frame of frames) if (!child.stdin.write(frame)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [exitCode] = (await ended) as [number];
  if (exitCode !== 0) throw new Error(`ffmpeg ended with ${exitCode}`);
}
