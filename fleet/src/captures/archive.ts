import { type Capture, type EdgeValue, edgeValueView, packDataset } from '@starling/shared';

/**
 * `manifest.json`, `items.jsonl` with a line a value, and a file a value: pictures as they are, all else as JSON. The same capture gives the
 * same bytes.
 */
export function archiveOf({ manifest, items }: Capture): AsyncGenerator<Uint8Array> {
  const files = items.map(({ value, ...rest }, index) => ({ ...rest, value, file: nameOf(rest.edge, index, value) }));
  const lines = files.map(({ value: _value, ...line }) => `${JSON.stringify(line)}\n`).join('');
  const once = (bytes: Uint8Array) =>
    async function* () {
      yield bytes;
    };
  return packDataset([
    { name: 'manifest.json', read: once(Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)) },
    { name: 'items.jsonl', read: once(Buffer.from(lines)) },
    ...files.map(({ file, value }) => ({ name: file, read: once(bytesOf(value)) })),
  ]);
}

function nameOf(edge: string, index: number, value: EdgeValue): string {
  const format = value.kind === 'image' ? value.thumbnail.format : 'json';
  const name = edge.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 120);
  return `values/${String(index + 1).padStart(6, '0')}-${name}.${format === 'jpeg' ? 'jpg' : format}`;
}

function bytesOf(value: EdgeValue): Uint8Array {
  return value.kind === 'image' ? value.thumbnail.data : Buffer.from(`${JSON.stringify(edgeValueView(value), undefined, 2)}\n`);
}
