import type { InferenceResult } from '@starling/shared';
import type { Stage } from '../draw-results.ts';
import type { BrowserAgent, Watching } from '../index.ts';
import { type FrameSink, watchVideo } from '../sources/stream.ts';
import type { Turn } from './turns.ts';

export interface PicturePorts {
  /** What comes after its end is neither shown nor told. */
  turn: Turn;
  agent: BrowserAgent | undefined;
  stage: Stage;
  /** For the frames of a video. */
  videoSink: FrameSink | undefined;
  /** Another picture takes the place of whatever is shown. */
  onShown(name: string): void;
  /** It cannot be shown: nothing that was shown before stands for it. */
  onUnseen(name: string): void;
  onRead(name: string, result: InferenceResult): void;
  onFailed(name: string, error: unknown): void;
}

/** While one picture is computed the next is decoded. No more than a pipeline works on at once, so that none is ever dropped. */
const FILES_UNDER_WAY = 2;

/** A picture that is on its way, before its turn to be shown. */
interface Begun {
  picture: Promise<ImageBitmap | undefined>;
  result: Promise<InferenceResult | undefined>;
}

/** Reads the files that a person gives, and shows them one after the other. A video plays on until the turn ends. */
export async function readFiles(
  files: Iterable<File>,
  { turn, agent, stage, videoSink, onShown, onUnseen, onRead, onFailed }: PicturePorts,
): Promise<void> {
  let playing: Watching | undefined;
  const waiting = [...files];
  const begun = new Map<File, Begun>();
  for (const [index, file] of waiting.entries()) {
    if (!turn.isOn) return;
    try {
      if (isVideo(file)) {
        showNext(file.name, stage, onShown);
        playing?.stop();
        playing = await playVideo(file, videoSink);
        if (playing !== undefined) turn.hold(playing);
        continue;
      }
      for (const next of waiting.slice(index, index + FILES_UNDER_WAY)) {
        if (!isVideo(next) && !begun.has(next)) begun.set(next, begin(next, agent));
      }
      const { picture, result } = begun.get(file) as Begun;
      begun.delete(file);
      const show = async (): Promise<void> => {
        const decoded = await picture;
        if (!turn.isOn) return decoded?.close();
        showNext(file.name, stage, onShown);
        if (decoded === undefined) onUnseen(file.name);
        else stage.showPicture(decoded, decoded.width, decoded.height);
      };
      if (index === 0) await show();
      let read: InferenceResult | undefined;
      try {
        read = await result;
      } finally {
        // Not before: what was read in a picture would go as soon as it came, since the next one is decoded by then.
        if (index > 0) await show();
      }
      if (read === undefined || !turn.isOn) continue;
      stage.showResult(read);
      onRead(file.name, read);
    } catch (error) {
      turn.whileOn(onFailed)(file.name, error);
    }
  }
}

function isVideo({ type }: File): boolean {
  return type.startsWith('video/');
}

function showNext(name: string, stage: Stage, onShown: PicturePorts['onShown']): void {
  onShown(name);
  stage.forget();
}

/** The agent decodes it, for its model and for the page at once. */
function begin(file: File, agent: BrowserAgent | undefined): Begun {
  const decoded = Promise.withResolvers<ImageBitmap | undefined>();
  const result = agent === undefined ? Promise.resolve(undefined) : agent.infer(file, 'file', decoded.resolve);
  // A failure is told when its turn comes.
  result.then(
    () => decoded.resolve(undefined),
    () => decoded.resolve(undefined),
  );
  // What the agent has not decoded may be shown all the same, and what cannot be shown may be read.
  return { result, picture: decoded.promise.then((picture) => picture ?? createImageBitmap(file).catch(() => undefined)) };
}

async function playVideo(file: File, sink: FrameSink | undefined): Promise<Watching | undefined> {
  const video = document.createElement('video');
  video.src = URL.createObjectURL(file);
  video.loop = true;
  return sink === undefined ? undefined : watchVideo(video, 'video', sink);
}

/** Lets a person drop files anywhere on the page. */
export function takeDrops(target: HTMLElement, onFiles: (files: FileList) => void): void {
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    target.classList.add('over');
  });
  document.addEventListener('dragleave', () => target.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    target.classList.remove('over');
    if (event.dataTransfer !== null && event.dataTransfer.files.length > 0) onFiles(event.dataTransfer.files);
  });
}
