import type { InferenceResult, StarlingError } from '@starling/shared';
import type { Stage } from '../draw-results.ts';
import { createTrouble } from './trouble.ts';

/** Where the frames of a source go. */
export interface FrameSink {
  infer(frame: VideoFrame | ImageBitmap, source: string): Promise<InferenceResult>;
  stage: Stage | undefined;
  /** Told when frames fail, once for each reason, and without one when they are read again. */
  onTrouble?(error: StarlingError | undefined): void;
}

export interface Watching {
  /** The video whose frames are read; playing, and not in the page. */
  readonly video: HTMLVideoElement;
  stop(): void;
}

/** While one frame is computed, the pixels of the next are read; more would only be older when their turn comes. */
const FRAMES_UNDER_WAY = 2;

/** Reads the frames of a camera or a screen until it is stopped. Frames that come while the model is busy are shown, and not read. */
export async function watchStream(stream: MediaStream, source: string, sink: FrameSink): Promise<Watching> {
  const video = document.createElement('video');
  video.srcObject = stream;
  const watching = await watchVideo(video, source, sink);
  return {
    video,
    stop() {
      watching.stop();
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  };
}

/** Reads the frames of a video while it plays. */
export async function watchVideo(video: HTMLVideoElement, source: string, { infer, stage, onTrouble }: FrameSink): Promise<Watching> {
  video.muted = true;
  video.playsInline = true;
  await video.play();
  let underWay = 0;
  let request = 0;
  let stopped = false;
  const trouble = createTrouble(onTrouble);
  const read = async (): Promise<void> => {
    underWay += 1;
    const takenMs = performance.now();
    try {
      const result = await infer(await frameOf(video), source);
      if (!stopped) stage?.showResult(result, takenMs);
      trouble.over();
    } catch (error) {
      trouble.failed(error);
    } finally {
      underWay -= 1;
    }
  };
  const onFrame = (): void => {
    if (stopped) return;
    request = video.requestVideoFrameCallback(onFrame);
    stage?.showPicture(video, video.videoWidth, video.videoHeight);
    if (underWay < FRAMES_UNDER_WAY) void read();
  };
  request = video.requestVideoFrameCallback(onFrame);
  return {
    video,
    stop() {
      stopped = true;
      trouble.end();
      video.cancelVideoFrameCallback(request);
      video.pause();
    },
  };
}

/** The frame as the decoder left it where the browser hands it over; a picture of it elsewhere. */
async function frameOf(video: HTMLVideoElement): Promise<VideoFrame | ImageBitmap> {
  return typeof VideoFrame === 'undefined' ? createImageBitmap(video) : new VideoFrame(video);
}
