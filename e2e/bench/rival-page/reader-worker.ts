import moduleAddress from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import binaryAddress from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';
import type { Line, RivalReply, RivalRequest, RivalStart } from './messages.ts';
import { cutLine, drawToTensor, type Planes, sidesFor } from './pixels.ts';
import { createTextReader, type TextReader, type Values } from './text.ts';

/**
 * The rival of the browser's runtime: what a good programmer writes by hand for this one pipeline. The same engine and models, with as
 * many threads; pictures are scaled and lines are cut by a canvas. No graph, queue, monitors, gate, second worker or storage around it,
 * and the next picture is decoded while one is read.
 */
const BATCH_MAXIMUM = 4;
const CONFIDENCE_MINIMUM = 0.6;

let reader: Promise<(bitmap: ImageBitmap) => Promise<Line[]>> | undefined;
let shows = false;
let before: Promise<unknown> = Promise.resolve();
const send = (reply: RivalReply, moved: Transferable[] = []): void => self.postMessage(reply, { transfer: moved });

self.addEventListener('message', ({ data }: MessageEvent<RivalStart | RivalRequest>) => {
  if ('detection' in data) {
    shows = data.shows;
    reader = start(data);
    reader.then(() => send({ type: 'ready' }), fail);
    return;
  }
  const { name, file } = data;
  // Decoded by the browser's own threads, while the one before is read.
  const decoding = createImageBitmap(file);
  before = Promise.all([reader, decoding, before])
    .then(async ([read, bitmap]) => {
      const lines = (await read?.(bitmap)) ?? [];
      if (shows) return send({ type: 'read', name, lines, picture: bitmap }, [bitmap]);
      bitmap.close();
      send({ type: 'read', name, lines });
    })
    .catch(fail);
});

function fail(error: unknown): void {
  send({ type: 'failed', reason: String(error) });
}

async function start({ detection, recognition, dictionary, threads }: RivalStart): Promise<(bitmap: ImageBitmap) => Promise<Line[]>> {
  ort.env.wasm.wasmPaths = { mjs: new URL(moduleAddress, import.meta.url).href, wasm: new URL(binaryAddress, import.meta.url).href };
  ort.env.wasm.numThreads = threads;
  const open = async (address: string): Promise<ort.InferenceSession> =>
    ort.InferenceSession.create(new Uint8Array(await (await fetch(address)).arrayBuffer()), { executionProviders: ['wasm'] });
  const [detect, recognise] = [await open(detection), await open(recognition)];
  const reader = createTextReader(new Uint8Array(await (await fetch(dictionary)).arrayBuffer()));
  return async (bitmap) => {
    const sides = sidesFor(bitmap);
    const map = await run(detect, { data: drawToTensor(bitmap, sides), shape: [1, 3, sides.height, sides.width] });
    const boxes = await reader.boxesIn(map, bitmap);
    const lines = boxes.map((box) => cutLine(bitmap, box));
    const texts = await readLines(recognise, lines, reader);
    return boxes.map((quad, place) => ({ quad, text: texts[place] ?? '' })).filter(({ text }) => text !== '');
  };
}

async function run(session: ort.InferenceSession, { data, shape }: Values): Promise<Values> {
  const outputs = await session.run({ [session.inputNames[0] ?? '']: new ort.Tensor('float32', data, shape) });
  const output = outputs[session.outputNames[0] ?? ''] as ort.Tensor;
  return { data: output.data as Float32Array, shape: output.dims };
}

/** Lines of one width share a run. @returns for each line its text, empty where it is not sure */
async function readLines(session: ort.InferenceSession, lines: readonly Planes[], reader: TextReader): Promise<string[]> {
  const texts: string[] = new Array(lines.length).fill('');
  for (const places of Map.groupBy(lines.keys(), (place) => lines[place]?.width).values()) {
    for (let from = 0; from < places.length; from += BATCH_MAXIMUM) {
      const batch = places.slice(from, from + BATCH_MAXIMUM);
      const { height, width } = lines[batch[0] ?? 0] as Planes;
      const length = 3 * height * width;
      const data = new Float32Array(length * batch.length);
      for (const [row, place] of batch.entries()) data.set((lines[place] as Planes).data, row * length);
      const output = await run(session, { data, shape: [batch.length, 3, height, width] });
      const ofLine = output.data.length / batch.length;
      for (const [row, place] of batch.entries()) {
        const probabilities = { data: output.data.subarray(row * ofLine, (row + 1) * ofLine), shape: [1, ...output.shape.slice(1)] };
        const { text, confidence } = await reader.textOf(probabilities);
        if (confidence >= CONFIDENCE_MINIMUM) texts[place] = text.trim();
      }
    }
  }
  return texts;
}
