import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { PackedValue } from '../../agent/src/core/ports/sandbox.ts';
import { createThreadSandbox } from '../../agent/src/node/sandbox.ts';

test('the example of the guide does what the guide says', async () => {
  const guide = await readFile(new URL('../../docs/guides/scripts.md', import.meta.url), 'utf8');
  const [, source = ''] = /source: \|\n([\s\S]*?)\n {4}params:/.exec(guide) ?? [];
  const sandbox = createThreadSandbox(new URL('../../agent/src/node/engine/script-worker.ts', import.meta.url));
  const script = await sandbox.open({ source, params: JSON.stringify({ score: 0.5, most: 1 }), cpuMs: 1000, memoryMegabytes: 16 });
  const found = (track: number, score = 0.9, label = 'person') => ({ box: [0, 0, 1, 1], class: 0, score, label, track });
  const look = async (detections: object[], state: string | undefined, sequence: number) => {
    const inputs: Record<string, PackedValue> = { detections: { kind: 'json', text: JSON.stringify(detections) } };
    const answer = await script.run({ inputs, state, item: { stream: 'door', sequence, timeMs: 1000 + sequence }, seed: '' });
    return {
      state: answer.state,
      outputs: Object.fromEntries(Object.entries(answer.outputs).map(([port, value]) => [port, plain(value)])),
    };
  };
  const first = await look([found(1), found(2, 0.1), found(3, 0.9, 'dog')], '{}', 0);
  expect(first.outputs).toEqual({ total: { now: 1, ever: 1 } });
  const second = await look([found(1), found(4)], first.state, 1);
  expect(second.outputs).toEqual({ total: { now: 2, ever: 2 }, alarm: { people: 2 } });
  await script.close();
});

function plain(value: PackedValue): unknown {
  return value.kind === 'json' ? JSON.parse(value.text) : value;
}
