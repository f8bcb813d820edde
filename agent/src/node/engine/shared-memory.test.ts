import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { COLLECT_OLD_BYTES, COLLECT_YOUNG_BYTES, createSharedMemoryWatch } from './shared-memory.ts';

const execute = promisify(execFile);

test('collects the young after their share of bytes, and the old after theirs', () => {
  const collected: boolean[] = [];
  const passed = createSharedMemoryWatch((old) => collected.push(old));
  passed(COLLECT_YOUNG_BYTES - 1);
  expect(collected).toEqual([]);
  passed(1);
  expect(collected).toEqual([false]);
  for (let bytes = COLLECT_YOUNG_BYTES; bytes < COLLECT_OLD_BYTES; bytes += COLLECT_YOUNG_BYTES) passed(COLLECT_YOUNG_BYTES);
  expect(collected.slice(1, -1).every((old) => !old)).toBe(true);
  expect(collected.at(-1)).toBe(true);
});

test('memory behind dead shared buffers goes back, in the main thread and in a worker', async () => {
  const module = new URL('./shared-memory.ts', import.meta.url).href;
  const program = `
    import { Worker, isMainThread, parentPort } from 'node:worker_threads';
    import { collectHere, createSharedMemoryWatch } from ${JSON.stringify(module)};
    const passed = createSharedMemoryWatch(collectHere);
    if (isMainThread) {
      const worker = new Worker(new URL(import.meta.url));
      let peak = 0;
      for (let count = 0; count < 300; count++) {
        const tensor = new Float32Array(new SharedArrayBuffer(4 * 1024 * 1024)).fill(1);
        passed(tensor.byteLength);
        worker.postMessage(tensor);
        await new Promise((resolve) => worker.once('message', resolve));
        peak = Math.max(peak, process.memoryUsage.rss());
      }
      console.log(Math.round(peak / 1e6));
      await worker.terminate();
    } else {
      parentPort.on('message', (tensor) => {
        passed(tensor.byteLength);
        parentPort.postMessage('seen');
      });
    }`;
  const url = `data:text/javascript,${encodeURIComponent(program)}`;
  const { stdout } = await execute(process.execPath, ['--expose-gc', '--input-type=module', '-e', `await import(${JSON.stringify(url)})`], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  // 1.2 GB pass through; without collections nearly all of it stays.
  expect(Number(stdout)).toBeLessThan(500);
});
