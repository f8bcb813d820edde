import type { InferenceResult } from '@starling/shared';
import type { Stage } from '../draw-results.ts';
import type { BrowserAgent, Watching } from '../index.ts';
import { type FrameSink, watchVideo } from '../sources/stream.ts';

export interface PicturePorts {
  agent(): BrowserAgent | undefined;
  stage: Stage;
  /** Another picture takes the place of whatever is shown. */
  onShown(name: string): void;
  onRead(name: string): void;
  onFailed(name: string, error: unknown): void;
  /** Of the frames of a video. */
  onTrouble: NonNullable<FrameSink['onTrouble']>;
}

/** While one picture is computed the next is decoded. No more than a pipeline works on at once, so that none is ever dropped. */
const FILES_UNDER_WAY = 2;

/** A picture that is on its way, before its turn to be shown. */
interface Begun {
  picture: Promise<ImageBitmap | undefined>;
  result: Promise<InferenceResult | undefined>;
}

/** Reads the files that a person gives, and shows them one after the other. @returns the video that plays, if one of them is a video */
export async function readFiles(
  files: Iterable<File>,
  { agent, stage, onShown, onRead, onFailed, onTrouble }: PicturePorts,
): Promise<Watching | undefined> {
  let watching: Watching | undefined;
  const waiting = [...files];
  const begun = new Map<File, Begun>();
  for (const [index, file] of waiting.entries()) {
    try {
      if (isVideo(file)) {
        showNext(file.name, stage, onShown);
        watching?.stop();
        watching = await playVideo(file, { agent, stage, onTrouble });
        continue;
      }
      for (const next of waiting.slice(index, index + FILES_UNDER_WAY)) {
        if (!isVideo(next) && !begun.has(next)) begun.set(next, begin(next, agent()));
      }
      const { picture, result } = begun.get(file) as Begun;
      begun.delete(file);
      const decoded = await picture;
      showNext(file.name, stage, onShown);
      if (decoded !== undefined) stage.showPicture(decoded, decoded.width, decoded.height);
      const read = await result;
      if (read === undefined) continue;
      stage.showResult(read);
      onRead(file.name);
    } catch (error) {
      onFailed(file.name, error);
    }
  }
  return watching;
}

function isVideo({ type }: File): boolean {
  return type.startsWith('video/');
}

function showNext(name: string, stage: Stage, onShown: PicturePorts['onShown']): void {
  onShown(name);
  stage.forget();
}

/** The agent has it before the page has decoded it: what is shown is not waited for. */
function begin(file: File, agent: BrowserAgent | undefined): Begun {
  const result = agent === undefined ? Promise.resolve(undefined) : agent.infer(file, 'file');
  // Told when its turn comes.
  result.catch(() => undefined);
  // What cannot be shown may be read all the same, or fail with a reason there.
  return { result, picture: createImageBitmap(file).catch(() => undefined) };
}

async function playVideo(
  file: File,
  { agent: agentNow, stage, onTrouble }: Pick<PicturePorts, 'agent' | 'stage' | 'onTrouble'>,
): Promise<Watching | undefined> {
  const agent = agentNow();
  const video = document.createElement('video');
  video.src = URL.createObjectURL(file);
  video.loop = true;
  return agent === undefined ? undefined : watchVideo(video, 'video', { infer: agent.infer, stage, onTrouble });
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
