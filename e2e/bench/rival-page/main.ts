import type { Line, RivalReply, RivalRequest, RivalStart } from './messages.ts';

/** The page by hand: files go to its worker as they are, all at once; what was read is listed and, where asked for, shown over the picture. */
const picture = document.querySelector('#picture') as HTMLElement;
const readings = document.querySelector('#readings') as HTMLUListElement;
const input = document.querySelector('#files') as HTMLInputElement;
const canvas = document.querySelector('#shown') as HTMLCanvasElement;
const settings = new URLSearchParams(location.search);

const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), { type: 'module' });
worker.addEventListener('message', ({ data }: MessageEvent<RivalReply>) => {
  if (data.type === 'failed') return picture.setAttribute('data-failed', data.reason);
  if (data.type === 'ready') {
    input.disabled = false;
    return;
  }
  if (data.picture !== undefined) show(data.picture, data.lines);
  readings.replaceChildren(
    ...data.lines.map(({ text }) => {
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
worker.postMessage({
  detection: '/detection.onnx',
  recognition: '/recognition.onnx',
  dictionary: '/dictionary.txt',
  threads: Number(settings.get('threads')),
  shows: settings.has('shows'),
} satisfies RivalStart);

function show(shown: ImageBitmap, lines: readonly Line[]): void {
  const context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
  if (canvas.width !== shown.width || canvas.height !== shown.height) [canvas.width, canvas.height] = [shown.width, shown.height];
  context.drawImage(shown, 0, 0);
  shown.close();
  context.strokeStyle = context.fillStyle = 'teal';
  context.lineWidth = 3;
  context.font = '24px sans-serif';
  for (const { quad, text } of lines) {
    context.beginPath();
    for (const [x, y] of quad) context.lineTo(x, y);
    context.closePath();
    context.stroke();
    context.fillText(text, ...quad[0]);
  }
}
