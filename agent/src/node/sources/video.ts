import { isStarlingError, messageOf, type SourceParams, StarlingError } from '@starling/shared';
import { type Credential, withoutSecrets } from '../credentials.ts';
import { createEpisode } from '../tell.ts';
import { type Ffmpeg, type Frame, startFfmpeg } from './ffmpeg.ts';
import type { OpenSource, Source, SourceContext } from './source.ts';

const RESTART_MS = 3_000;
/** Frames that wait in a video of which none may be left out, before it is read no further. */
const WAITING_MAXIMUM = 4;

interface VideoPlan {
  /** Options of the input and the input itself; `credential` where one is named. */
  input(credential: Credential | undefined): string[];
  credentials?: string | undefined;
  framesPerSecond: number;
  maximumWidth: number | undefined;
  /** Something without an end: what ends, breaks or falls silent is opened again. */
  isLive: boolean;
  /** Each frame is waited for; otherwise the newest alone waits. */
  isWhole: boolean;
  silenceMs: number;
}

export const openRtsp: OpenSource<SourceParams<'rtsp'>> = (params, context) =>
  openVideo(
    {
      ...params,
      ...{ isLive: true, isWhole: false, maximumWidth: params.maximumWidth },
      input: (credential) => ['-rtsp_transport', params.transport, '-i', withLogin(params.url, credential)],
    },
    context,
  );

export const openV4l2: OpenSource<SourceParams<'v4l2'>> = (params, context) => {
  const { width, height, inputFormat, device } = params;
  const size = width === undefined || height === undefined ? [] : ['-video_size', `${width}x${height}`];
  const format = inputFormat === undefined ? [] : ['-input_format', inputFormat];
  const input = (): string[] => ['-f', 'v4l2', ...format, ...size, '-i', device];
  return openVideo({ ...params, maximumWidth: params.maximumWidth, input, isLive: true, isWhole: false }, context);
};

export const openVideoFile: OpenSource<SourceParams<'video'>> = ({ path, realTime, loop, ...params }, context) => {
  // A name that begins like an option, or looks like an address, is a file all the same.
  const input = (): string[] => [...(realTime ? ['-re'] : []), ...(loop ? ['-stream_loop', '-1'] : []), '-i', `file:${path}`];
  const plan = { ...params, maximumWidth: params.maximumWidth, input, silenceMs: Number.POSITIVE_INFINITY };
  return openVideo({ ...plan, isLive: loop, isWhole: !realTime }, context);
};

function withLogin(url: string, credential: Credential | undefined): string {
  if (credential === undefined || !('password' in credential)) return url;
  const { username, password } = credential;
  return url.replace('://', `://${encodeURIComponent(username)}:${encodeURIComponent(password)}@`);
}

function openVideo(plan: VideoPlan, context: SourceContext): Source {
  const { node, tell, clock } = context;
  /** When the first frame of a stored video counts as filmed: now, and the others as much later as they are in it. */
  let firstMs = 0;
  const episode = createEpisode(context, 'source-recovered', { node });
  let closed = false;
  let stop = (): void => undefined;
  let onEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    onEnded = resolve;
  });
  const delivery = createDelivery(plan.isWhole, context);

  const again = (delayMs: number, skipS: number): void => {
    if (closed) onEnded();
    else stop = clock.after(delayMs, () => void start(skipS));
  };
  const run = (credential: Credential | undefined, skipS: number): void => {
    if (skipS === 0) firstMs = clock.wallMs();
    let stopWatch = (): void => undefined;
    let isSilent = false;
    let next: { delayMs: number; skipS: number } | undefined;
    const watch = (): void => {
      stopWatch();
      if (plan.silenceMs === Number.POSITIVE_INFINITY) return;
      stopWatch = clock.after(Math.max(plan.silenceMs, 3000 / plan.framesPerSecond), () => {
        isSilent = true;
        episode.failed('source-silent', `${node} has sent nothing for ${plan.silenceMs} ms; it is opened again`);
        ffmpeg.stop();
      });
    };
    const ffmpeg = startFfmpeg({
      ...{ ...plan, input: plan.input(credential), skipS },
      onFrame(frame) {
        watch();
        episode.recovered();
        // Read faster or slower than it was filmed, what moves in it would be too fast or too slow for trackers, windows and gates.
        delivery.take(frame, plan.isWhole ? { timeMs: Math.round(firstMs + frame.atS * 1000) } : {}, ffmpeg);
      },
      onResized(from, { size, atS }) {
        tell('info', 'source-resized', `the pictures of ${node} are ${size} now, they were ${from}`, { node, from, to: size });
        next = { delayMs: 0, skipS: plan.isLive ? 0 : atS };
      },
      onEnd({ exitCode, words, isMissing }) {
        stopWatch();
        if (closed) return onEnded();
        if (next !== undefined) return again(next.delayMs, next.skipS);
        if (!plan.isLive && exitCode === 0) return void delivery.idle().then(() => finish(context, onEnded));
        if (isMissing)
          episode.failed('ffmpeg-missing', `${node}: ffmpeg is not there`, { hint: 'install ffmpeg to read videos and cameras' });
        else if (!isSilent) episode.failed('source-lost', `${node}: ${withoutSecrets(words, credential) || 'it has ended'}`);
        again(RESTART_MS, 0);
      },
    });
    watch();
    stop = () => ffmpeg.stop();
  };
  const start = async (skipS: number): Promise<void> => {
    try {
      const credential = plan.credentials === undefined ? undefined : await context.credentials.find(plan.credentials);
      if (closed) return onEnded();
      run(credential, skipS);
    } catch (error) {
      const hint = isStarlingError(error) && error.hint !== undefined ? { hint: error.hint } : {};
      episode.failed(isStarlingError(error) ? error.code : 'source-failed', `${node}: ${messageOf(error)}`, hint);
      again(RESTART_MS, skipS);
    }
  };
  void start(0);
  return {
    ended,
    async close() {
      closed = true;
      episode.close();
      stop();
      delivery.stop();
      onEnded();
      await delivery.idle();
    },
  };
}

function finish({ log, node }: SourceContext, onEnded: () => void): void {
  log.info('the video has come to its end', { node });
  onEnded();
}

interface Delivery {
  /** @param at when the frame was taken, where that is not now */
  take(frame: Frame, at: { timeMs?: number }, from: Ffmpeg): void;
  idle(): Promise<void>;
  stop(): void;
}

/** One frame at a time goes into the pipeline. What cannot wait is left out: a live camera is never behind. */
function createDelivery(isWhole: boolean, { node, push, log }: SourceContext): Delivery {
  let waiting: { frame: Frame; at: { timeMs?: number } }[] = [];
  let working: Promise<void> | undefined;
  let stopped = false;
  const work = async (from: Ffmpeg): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !stopped; next = waiting.shift()) {
      if (waiting.length < WAITING_MAXIMUM) from.resume();
      await push({ image: next.frame.jpeg }, next.at).catch((error: unknown) => {
        const code = error instanceof StarlingError ? error.code : 'failed';
        log.debug('a frame was not read', { node, code, reason: messageOf(error) });
      });
    }
    working = undefined;
  };
  return {
    take(frame, at, from) {
      if (stopped) return;
      if (isWhole) waiting.push({ frame, at });
      else waiting = [{ frame, at }];
      if (isWhole && waiting.length >= WAITING_MAXIMUM) from.pause();
      working ??= work(from);
    },
    async idle() {
      await working;
    },
    stop() {
      stopped = true;
      waiting = [];
    },
  };
}
