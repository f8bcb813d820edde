import type { Stage } from '../draw-results.ts';
import type { BrowserAgent, Watching } from '../index.ts';
import { watchVideo } from '../sources/stream.ts';

export interface PicturePorts {
  agent(): BrowserAgent | undefined;
  stage: Stage;
  /** Another picture takes the place of whatever is shown. */
  onShown(name: string): void;
  onRead(name: string): void;
  onFailed(name: string, error: unknown): void;
}

/** Reads the files that a person gives, one after the other. @returns the video that plays, if one of them is a video */
export async function readFiles(
  files: Iterable<File>,
  { agent, stage, onShown, onRead, onFailed }: PicturePorts,
): Promise<Watching | undefined> {
  let watching: Watching | undefined;
  for (const file of files) {
    onShown(file.name);
    stage.forget();
    try {
      const running = agent();
      if (file.type.startsWith('video/')) {
        watching?.stop();
        const video = document.createElement('video');
        video.src = URL.createObjectURL(file);
        video.loop = true;
        if (running !== undefined) watching = await watchVideo(video, 'video', { infer: running.infer, stage });
        continue;
      }
      const picture = await createImageBitmap(file).catch(() => undefined);
      if (picture !== undefined) stage.showPicture(picture, picture.width, picture.height);
      const result = await running?.infer(file, 'file');
      if (result === undefined) continue;
      stage.showResult(result);
      onRead(file.name);
    } catch (error) {
      onFailed(file.name, error);
    }
  }
  return watching;
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
