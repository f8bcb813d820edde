import { expect, test } from 'vitest';
import { createOutput } from './output.ts';

function written(isTTY: boolean) {
  const lines: string[] = [];
  const state = { nowMs: 0 };
  const sink = { isTTY, write: (text: string) => void lines.push(text) };
  const output = createOutput({
    ...{ stdout: sink, stderr: sink, json: false, quiet: false, colour: false, dumbTerminal: false },
    nowMs: () => state.nowMs,
  });
  return { lines, state, output };
}

test('progress in a file: a line at the start, at each quarter, now and then where something changed, and at the end', () => {
  const { lines, state, output } = written(false);
  const progress = output.progress('fetch');
  progress.update(0.1, '1 of 10');
  progress.update(0.3, '3 of 10');
  progress.update(0.35, '3 of 10');
  state.nowMs = 9_999;
  progress.update(0.36, '4 of 10');
  state.nowMs = 10_000;
  progress.update(0.36, '4 of 10');
  progress.update(0.37, '4 of 10');
  state.nowMs = 30_000;
  progress.update(0.37, '4 of 10');
  state.nowMs = 40_000;
  progress.update(1, '10 of 10');
  progress.done('all of it');
  expect(lines).toEqual([
    'fetch ...\n',
    'fetch: 3 of 10 30 %\n',
    'fetch: 4 of 10 36 %\n',
    'fetch: 4 of 10 37 %\n',
    'fetch: 10 of 10\n',
    'done fetch: all of it\n',
  ]);
});

test('what nobody knows the end of goes on in lines too', () => {
  const { lines, state, output } = written(false);
  const progress = output.progress('devices');
  for (let second = 1; second <= 25; second += 1) {
    state.nowMs = second * 1000;
    progress.update(undefined, `${second} seen`);
  }
  expect(lines).toEqual(['devices ...\n', 'devices: 10 seen\n', 'devices: 20 seen\n']);
});

test('on a terminal one line moves', () => {
  const { lines, output } = written(true);
  output.progress('fetch').update(0.5);
  expect(lines).toEqual(['\r\u001b[2Kfetch [############------------] 50 %']);
});
