import { packDataset } from '@starling/shared';
import { expect, test } from 'vitest';
import { packSamples } from './pack-samples.ts';

const sample = (name: string, text: string) => ({ name, file: new File([text], name) });

test('a folder is packed as the command line packs it, whatever the order and the litter', async () => {
  const packed = await packSamples([sample('b.npy', 'two'), sample('.DS_Store', 'x'), sample('a/x.npy', 'one')], 'calibration');
  const pieces: Uint8Array[] = [];
  const files = [
    { name: 'a/x.npy', text: 'one' },
    { name: 'b.npy', text: 'two' },
  ].map(({ name, text }) => ({
    name,
    async *read() {
      yield new TextEncoder().encode(text);
    },
  }));
  for await (const piece of packDataset(files)) pieces.push(piece);
  expect(Buffer.from(await packed.arrayBuffer()).equals(Buffer.concat(pieces))).toBe(true);
});

test('an archive stays as it is', async () => {
  const archive = sample('samples.zip', 'PK');
  expect(await packSamples([archive], 'evaluation')).toBe(archive.file);
});

test('a folder of nothing is refused', async () => {
  await expect(packSamples([sample('.DS_Store', 'x')], 'evaluation')).rejects.toMatchObject({ code: 'dataset-empty', field: 'evaluation' });
});
