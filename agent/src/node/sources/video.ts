import { spawn } from 'node:child_process';
import { type InferenceResult, isStarlingError, messageOf } from '@starling/shared';
import { type Source, type SourcePorts, textsOf } from './source.ts';

const JPEG_START = Buffer.from([0xff, 0xd8, 0xff]);
const JPEG_END = Buffer.from([0xff, 0xd9]);
const FRAME_BYTES_MAXIMUM = 16 * 1024 * 1024;
const RESTART_MS = 3_000;
/** A camera without power or network ends no connection: one that has sent no frame for this long is opened again. */
const SILENCE_MS = 15_000;

/**
 * Frames of a video file or an RTSP camera, through ffmpeg, as JPEGs. Only the newest frame waits: a live camera is never behind. What
 * ends, breaks or falls silent is opened again.
 */
export function readVideo(address: string, framesPerSecond: number, { infer, log }: SourcePorts): Source {
  let closed = false;
  let newest: Buffer | undefined;
  let busy = false;
  let stop = (): void => undefined;
  let lastTexts = '';
  // The password of a camera stays out of logs and results.
  const name = address.replace(/^(\w+:\/\/)[^/]*@/, '$1');

  /** A sign stays in view for many frames, and is worth one line. */
  const tell = ({ latencyMs, outputs }: InferenceResult): void => {
    const readings = textsOf(outputs);
    const texts = JSON.stringify(readings);
    if (readings === undefined || texts === lastTexts) return;
    lastTexts = texts;
    log.info('read', { video: name, latencyMs: Math.round(latencyMs), readings });
  };
  const work = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (let frame = newest; frame !== undefined && !closed; frame = newest) {
      newest = undefined;
      await infer(frame, `video:${name}`).then(tell, (error: unknown) => {
        log.debug('a frame was not read', { code: isStarlingError(error) ? error.code : 'failed', reason: messageOf(error) });
      });
    }
    busy = false;
  };
  const start = (): void => {
    const live = /^rtsps?:/.test(address);
    const input = live ? ['-rtsp_transport', 'tcp', '-i', address] : ['-re', '-stream_loop', '-1', '-i', address];
    const child = spawn(
      'ffmpeg',
      [
        '-hide_banner',
        '-loglevel',
        'error',
        ...input,
        '-vf',
        `fps=${framesPerSecond}`,
        '-f',
        'image2pipe',
        '-c:v',
        'mjpeg',
        '-q:v',
        '3',
        '-',
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const watch = (): NodeJS.Timeout =>
      setTimeout(
        () => {
          log.warn('the video has fallen silent; it is opened again', { video: name });
          child.kill('SIGKILL');
        },
        Math.max(SILENCE_MS, 3000 / framesPerSecond),
      );
    let silence = watch();
    const split = createFrameSplitter((frame) => {
      clearTimeout(silence);
      silence = watch();
      newest = frame;
      void work();
    });
    child.stdout.on('data', (piece: Buffer) => {
      if (split(piece)) return;
      child.stdout.removeAllListeners('data');
      log.warn('the video gives no frames; it is opened again', { bytes: FRAME_BYTES_MAXIMUM });
      child.kill('SIGKILL');
    });
    child.stderr.on('data', (text: Buffer) =>
      log.warn('ffmpeg', { text: text.toString('utf8').replaceAll(address, name).trim().slice(0, 500) }),
    );
    child.on('error', (error: NodeJS.ErrnoException) => {
      const hint = error.code === 'ENOENT' ? 'install ffmpeg to read videos and cameras' : '';
      log.error('the video cannot be read', { reason: error.message, hint });
    });
    child.on('close', () => {
      clearTimeout(silence);
      if (closed) return;
      const timer = setTimeout(start, RESTART_MS);
      stop = () => clearTimeout(timer);
    });
    stop = () => child.kill('SIGKILL');
  };
  start();
  return {
    async close() {
      closed = true;
      stop();
    },
  };
}

/**
 * Cuts a stream of JPEGs into files.
 * @returns a function that takes the next piece of the stream; false where it holds no frame that ends, and the stream is to be given up
 */
export function createFrameSplitter(onFrame: (frame: Buffer) => void): (piece: Buffer) => boolean {
  let pending = Buffer.alloc(0);
  return (piece) => {
    pending = Buffer.concat([pending, piece]);
    for (;;) {
      const start = pending.indexOf(JPEG_START);
      const end = start === -1 ? -1 : pending.indexOf(JPEG_END, start + JPEG_START.length);
      if (end === -1) break;
      onFrame(Buffer.from(pending.subarray(start, end + JPEG_END.length)));
      pending = pending.subarray(end + JPEG_END.length);
    }
    return pending.length <= FRAME_BYTES_MAXIMUM;
  };
}
