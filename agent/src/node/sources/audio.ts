import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type Audio, isStarlingError, messageOf, type SourceParams } from '@starling/shared';
import type { Log } from '../../core/ports/log.ts';
import { createSoundQueue } from '../../core/sound-queue.ts';
import type { Source } from './source.ts';

type Params = SourceParams<'audio'>;
/** Takes one chunk. What it answers is waited for before the next one comes. */
export type EmitAudio = (values: { audio: Audio }) => unknown;

export interface Login {
  username: string;
  password: string;
}

export interface HeardSource extends Source {
  /** Resolves when a file was given to its end, or the source was closed. */
  readonly ended: Promise<void>;
}

const RESTART_MS = 3_000;
/** Sound that waits because the pipeline is slow; older sound is left out, so that live sound is not ever later. */
const WAITING_MS_MAXIMUM = 5_000;

/**
 * Sound of a file, a network stream or a microphone, through ffmpeg, in chunks of one length. What is live is opened again when it ends,
 * breaks or falls silent; a file comes once, or again and again.
 * @param findLogin for a stream that asks who wants to hear it; asked each time that it is opened
 */
export function openAudio(params: Params, emit: EmitAudio, log: Log, findLogin?: () => Promise<Login | undefined>): HeardSource {
  // The password of a camera stays out of logs.
  const name = params.path ?? params.url ?? params.device ?? '';
  const isLive = params.path === undefined;
  const waits = !isLive && !params.realTime;
  let reading: Readable | undefined;
  const queue = createSoundQueue({
    async take(audio) {
      try {
        await emit({ audio });
      } catch (error) {
        log.debug('sound was not taken', { audio: name, code: isStarlingError(error) ? error.code : 'failed', reason: messageOf(error) });
      }
    },
    ...(waits ? { onBusy: (isBusy) => (isBusy ? reading?.pause() : reading?.resume()) } : { waitingMsMaximum: WAITING_MS_MAXIMUM }),
    onLate: () => log.warn('the pipeline is slower than the sound; what waited longest is left out', { audio: name }),
  });
  let closed = false;
  let stop = (): void => undefined;
  let onEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    onEnded = resolve;
  });
  const startAgain = (): void => {
    const timer = setTimeout(start, RESTART_MS);
    stop = () => clearTimeout(timer);
  };
  const start = (): void => {
    findAddress(params, findLogin).then(
      (address) => closed || hear(address),
      (error: unknown) => {
        log.warn('the sound cannot be opened', { audio: name, reason: messageOf(error) });
        if (!closed) startAgain();
      },
    );
  };
  const hear = (address: string): void => {
    const child = spawn('ffmpeg', argumentsFor(address, params), { stdio: ['ignore', 'pipe', 'pipe'] });
    const watch = createSilenceWatch(isLive ? params.silenceMs : undefined, () => {
      log.warn('the sound has fallen silent; it is opened again', { audio: name });
      child.kill('SIGKILL');
    });
    const splitter = createSampleSplitter(params, queue.push);
    reading = child.stdout;
    child.stdout.on('data', (piece: Buffer) => {
      watch.heard();
      splitter.add(piece);
    });
    child.stderr.on('data', (text: Buffer) =>
      log.warn('ffmpeg', { text: text.toString('utf8').replaceAll(address, name).trim().slice(0, 500) }),
    );
    child.on('error', (error: NodeJS.ErrnoException) => {
      const hint = error.code === 'ENOENT' ? 'install ffmpeg to hear sound' : '';
      log.error('the sound cannot be read', { reason: error.message, hint });
    });
    child.on('close', (code) => {
      watch.stop();
      if (closed) return;
      splitter.end();
      if (isLive || code !== 0) return startAgain();
      void queue.idle().then(() => {
        log.info('the sound has come to its end', { audio: name });
        onEnded();
      });
    });
    stop = () => child.kill('SIGKILL');
  };
  start();
  return {
    ended,
    async close() {
      closed = true;
      queue.stop();
      stop();
      onEnded();
      await queue.idle();
    },
  };
}

async function findAddress({ path, url, device }: Params, findLogin: (() => Promise<Login | undefined>) | undefined): Promise<string> {
  const login = await findLogin?.();
  if (url === undefined || login === undefined) return path ?? url ?? device?.slice(device.indexOf(':') + 1) ?? '';
  const { username, password } = login;
  return url.replace('://', `://${encodeURIComponent(username)}:${encodeURIComponent(password)}@`);
}

function argumentsFor(address: string, { path, url, device, sampleRateHz, channels, realTime, loop }: Params): string[] {
  const input = [
    ...(path !== undefined && realTime ? ['-re'] : []),
    ...(path !== undefined && loop ? ['-stream_loop', '-1'] : []),
    ...(url !== undefined && /^rtsps?:/.test(url) ? ['-rtsp_transport', 'tcp'] : []),
    ...(device === undefined ? [] : ['-f', device.slice(0, device.indexOf(':'))]),
    // A name that begins like an option, or looks like an address, is a file all the same.
    ...['-i', path === undefined ? address : `file:${address}`],
  ];
  const output = [
    '-map',
    '0:a:0',
    '-ac',
    String(channels),
    '-ar',
    String(sampleRateHz),
    '-f',
    'f32le',
    '-c:a',
    'pcm_f32le',
    '-flush_packets',
    '1',
    '-',
  ];
  return ['-hide_banner', '-nostdin', '-loglevel', 'error', ...input, ...output];
}

function createSilenceWatch(silenceMs: number | undefined, onSilent: () => void): { heard(): void; stop(): void } {
  if (silenceMs === undefined) return { heard: () => undefined, stop: () => undefined };
  const timer = setTimeout(onSilent, silenceMs);
  return { heard: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

/**
 * Cuts a stream of 32-bit floats, low byte first, into chunks.
 * @param onChunk the last chunk, at `end`, may be shorter; samples are the caller's to keep
 */
export function createSampleSplitter(
  { sampleRateHz, channels, chunkMs }: Pick<Params, 'sampleRateHz' | 'channels' | 'chunkMs'>,
  onChunk: (audio: Audio) => void,
): { add(piece: Uint8Array): void; end(): void } {
  const frameBytes = channels * Float32Array.BYTES_PER_ELEMENT;
  const chunkBytes = Math.max(1, Math.round((sampleRateHz * chunkMs) / 1000)) * frameBytes;
  const chunk = Buffer.alloc(chunkBytes);
  let filled = 0;
  const give = (): void => {
    const count = Math.floor(filled / frameBytes) * channels;
    filled = 0;
    if (count === 0) return;
    const samples = Float32Array.from({ length: count }, (_, index) => chunk.readFloatLE(index * Float32Array.BYTES_PER_ELEMENT));
    onChunk({ sampleRateHz, channels, samples });
  };
  return {
    add(piece) {
      for (let at = 0; at < piece.length; ) {
        const taken = piece.subarray(at, at + chunkBytes - filled);
        chunk.set(taken, filled);
        filled += taken.length;
        at += taken.length;
        if (filled === chunkBytes) give();
      }
    },
    end: give,
  };
}
