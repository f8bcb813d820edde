import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { createFrameSplitter, FRAME_BYTES_MAXIMUM } from './frame-splitter.ts';

export interface Frame {
  jpeg: Buffer;
  /** Size of the picture before it was scaled, e.g. `1280x720`. */
  size: string;
  /** Seconds since the start of the input, whatever was passed over. */
  atS: number;
}

export interface FfmpegOptions {
  /** Options of the input, and the input itself. */
  input: readonly string[];
  framesPerSecond: number;
  maximumWidth: number | undefined;
  /** Seconds of the input that are passed over. */
  skipS: number;
  onFrame(frame: Frame): void;
  /** A picture has another size than those before it. What ffmpeg would give from here on is wrong, so it has ended. */
  onResized(from: string, frame: Pick<Frame, 'size' | 'atS'>): void;
  /** It ended by itself, or by `stop`; what it said of errors. */
  onEnd(result: { exitCode: number | null; words: string; isMissing: boolean }): void;
}

export interface Ffmpeg {
  /** Reads no further until `resume`. */
  pause(): void;
  resume(): void;
  stop(): void;
}

/** Of what it says only the end is told. */
const WORDS_MAXIMUM = 500;

/**
 * Runs ffmpeg over one input and gives its frames as JPEGs. ffmpeg scales every frame to the size of the first: when a camera is set to
 * another resolution, pictures would come out of shape. So each frame is held until the filter `showinfo` has said its true size.
 */
export function startFfmpeg({ input, framesPerSecond, maximumWidth, skipS, onFrame, onResized, onEnd }: FfmpegOptions): Ffmpeg {
  const scale = maximumWidth === undefined ? [] : [`scale='min(${maximumWidth},iw)':-2`];
  const filters = [`fps=${framesPerSecond}`, 'showinfo=checksum=0', ...scale].join(',');
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'repeat+level+info', ...input],
      ...['-map', '0:v:0', ...(skipS > 0 ? ['-autoscale', '0', '-ss', String(skipS)] : []), '-vf', filters],
      ...['-f', 'image2pipe', '-c:v', 'mjpeg', '-q:v', '3', '-'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const frames: Buffer[] = [];
  const facts: Pick<Frame, 'size' | 'atS'>[] = [];
  let size: string | undefined;
  let isOver = false;
  let isMissing = false;
  let words = '';
  const end = (): void => {
    isOver = true;
    child.kill('SIGKILL');
  };
  const pair = (): void => {
    while (!isOver && facts.length > 0 && (frames.length > 0 || isOther(facts[0], size))) {
      const fact = facts.shift() as Pick<Frame, 'size' | 'atS'>;
      if (size !== undefined && isOther(fact, size)) {
        end();
        onResized(size, fact);
        return;
      }
      size = fact.size;
      onFrame({ jpeg: frames.shift() as Buffer, ...fact });
    }
  };
  const split = createFrameSplitter((jpeg) => frames.push(jpeg));
  child.stdout.on('data', (piece: Buffer) => {
    if (!split(piece)) {
      words = `there was no frame in ${FRAME_BYTES_MAXIMUM} bytes`;
      end();
    }
    pair();
  });
  const readLines = createLineReader((line) => {
    const [, second, dimensions] = /\[Parsed_showinfo.*pts_time:\s*([\d.]+).* s:(\d+x\d+) /.exec(line) ?? [];
    // What is passed over goes through the filter too, and gives no frame.
    if (second !== undefined && dimensions !== undefined) {
      if (Number(second) > skipS - 0.001) facts.push({ atS: Number(second), size: dimensions });
    } else if (/\[(error|fatal|panic)\]/.test(line)) words = `${words}${words === '' ? '' : '; '}${plain(line)}`.slice(-WORDS_MAXIMUM);
  });
  child.stderr.on('data', (piece: Buffer) => {
    readLines(piece);
    pair();
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    isMissing = error.code === 'ENOENT';
    words = error.message;
  });
  child.on('close', (exitCode) => onEnd({ exitCode, words, isMissing }));
  return { pause: () => void child.stdout.pause(), resume: () => void child.stdout.resume(), stop: end };
}

/** Without the level, and the part of ffmpeg that says it, which it names by an address in its memory: both say nothing to people. */
function plain(line: string): string {
  return line.replaceAll(/\[[^\]]* @ 0x[0-9a-f]+\] |\[(?:error|fatal|panic)\] /g, '').trim();
}

function isOther(fact: Pick<Frame, 'size'> | undefined, size: string | undefined): boolean {
  return fact !== undefined && size !== undefined && fact.size !== size;
}

function createLineReader(onLine: (line: string) => void): (piece: Buffer) => void {
  let pending = '';
  return (piece) => {
    const lines = (pending + piece.toString('latin1')).split('\n');
    pending = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) onLine(line);
  };
}
