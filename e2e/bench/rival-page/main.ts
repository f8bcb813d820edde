import type { RivalReply, RivalRequest, RivalStart } from './messages.ts';

/** The page by hand: files go to its worker as they are, all at once, and what was read is shown. */
const picture = document.querySelector('#picture') as HTMLElement;
const readings = document.querySelector('#readings') as HTMLUListElement;
const input = document.querySelector('#files') as HTMLInputElement;

const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), { type: 'module' });
worker.addEventListener('message', ({ data }: MessageEvent<RivalReply>) => {
  if (data.type === 'failed') return picture.setAttribute('data-failed', data.reason);
  if (data.type === 'ready') {
    input.disabled = false;
    return;
  }
  readings.replaceChildren(
    ...data.texts.map((text) => {
      const item = document.createElement('li');
      item.textContent = text;
      return item;
    }),
  );
  picture.setAttribute('data-read', data.name);
});
input.addEventListener('change', () => {
  for (const file of input.files ?? []) worker.postMessage({ name: file.name, file } satisfies RivalRequest);
  input.value = '';
});
const threads = Number(new URLSearchParams(location.search).get('threads'));
worker.postMessage({
  detection: '/detection.onnx',
  recognition: '/recognition.onnx',
  dictionary: '/dictionary.txt',
  threads,
} satisfies RivalStart);
