import { expect, test } from 'vitest';
import { createDroppedReader } from './dropped.ts';

const line = (entry: Record<string, unknown>): string => JSON.stringify({ time: '2026-11-26T07:18:24Z', level: 'info', ...entry });

test('says once what was read in a picture that somebody dropped, and nothing about painted ones', () => {
  const said: string[] = [];
  const read = createDroppedReader((text) => said.push(text));
  read(line({ message: 'read', file: 'scene-0012.jpg', latencyMs: 300, readings: ['EXIT'] }));
  read(line({ message: 'pulled', blob: 'abc' }));
  read('Warning: not JSON');
  read(line({ message: 'read', file: 'gate.jpg', latencyMs: 412, readings: ['CAUTION', 'MIND THE "STEP"'] }));
  read(line({ message: 'read', file: 'gate.jpg', latencyMs: 399, readings: ['CAUTION'] }));
  read(line({ message: 'read', file: 'wall.png', latencyMs: 100, readings: [] }));
  read(line({ message: 'an image could not be read', file: 'notes.jpg', code: 'bad-image', reason: 'unsupported image format' }));
  expect(said).toEqual([
    'gate.jpg: "CAUTION" "MIND THE \\"STEP\\"" in 412 ms',
    'wall.png: no text found',
    'notes.jpg: not read, unsupported image format',
  ]);
});
