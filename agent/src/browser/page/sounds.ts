import type { InferenceResult } from '@starling/shared';
import type { BrowserAgentStatus } from '../index.ts';

/** Whether the pipeline that runs hears, rather than sees. */
export function takesSound({ agent }: BrowserAgentStatus): boolean {
  return Object.values(agent?.inputs ?? {})[0] === 'audio';
}

export interface SoundFilePorts {
  signal: AbortSignal;
  /** Hears one from its beginning to its end. */
  hear(file: File): Promise<void>;
  onShown(name: string): void;
  onRead(name: string): void;
  onFailed(name: string, error: unknown): void;
}

/** Hears the files that a person gives, one after the other. */
export async function hearFiles(files: Iterable<File>, { signal, hear, onShown, onRead, onFailed }: SoundFilePorts): Promise<void> {
  for (const file of files) {
    if (signal.aborted) return;
    onShown(file.name);
    try {
      await hear(file);
      onRead(file.name);
    } catch (error) {
      onFailed(file.name, error);
    }
  }
}

/** What counts as silence in the picture. */
const FLOOR_DB = -60;
const BARS = 120;

/** Draws how loud the newest sound was, the latest to the right, where a pipeline tells its level. */
export function createLevelView(canvas: HTMLCanvasElement): { add(result: InferenceResult): void; forget(): void } {
  const context = canvas.getContext('2d', { alpha: false });
  const levels: number[] = [];
  const draw = (): void => {
    if (context === null) return;
    const { width, height } = canvas;
    context.fillStyle = '#081011';
    context.fillRect(0, 0, width, height);
    context.fillStyle = '#2fb8a3';
    const step = width / BARS;
    for (const [index, level] of levels.entries()) {
      const bar = Math.max(2, height * Math.min(1, Math.max(0, 1 - level / FLOOR_DB)));
      context.fillRect((BARS - levels.length + index) * step, (height - bar) / 2, step * 0.7, bar);
    }
  };
  return {
    add({ outputs }) {
      const level = Object.values(outputs)
        .map(levelOf)
        .find((each) => each !== undefined);
      if (level === undefined) return;
      levels.push(level);
      if (levels.length > BARS) levels.shift();
      draw();
    },
    forget() {
      levels.length = 0;
    },
  };
}

function levelOf(output: unknown): number | undefined {
  const rmsDb = typeof output === 'object' && output !== null && 'rmsDb' in output ? output.rmsDb : undefined;
  return typeof rmsDb === 'number' ? rmsDb : undefined;
}
