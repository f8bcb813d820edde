import type { EdgeLeafView, EdgeValueView, TapValueView } from '@starling/shared';
import { formatTime, printable } from './printable.ts';

/** Characters of a JSON value that a line shows. */
const JSON_CHARACTERS = 160;

/** One value of an edge as a line for people; its item as `starling replay --item` takes it. */
export function describeTapValue({ edge, item, value, atMs }: TapValueView): string {
  const of = item === undefined ? '?' : `${item.stream}:${item.sequence}`;
  const what = value === undefined ? '' : describeValue(value);
  return printable(`${formatTime(item?.timeMs ?? atMs)}  ${edge ?? ''}  ${of}  ${what}`);
}

function describeValue(value: EdgeValueView): string {
  if (value.kind !== 'list') return describeLeaf(value);
  const [first] = value.items;
  return `list of ${value.length}${first === undefined ? '' : `, first: ${describeLeaf(first)}`}`;
}

function describeLeaf(value: EdgeLeafView): string {
  switch (value.kind) {
    case 'image':
      return `image ${value.width} x ${value.height}`;
    case 'tensor': {
      const { minimum, maximum, mean, notFinite } = value.statistics;
      const range = minimum === null ? 'no finite values' : `${short(minimum)} to ${short(maximum)}, mean ${short(mean)}`;
      return `${value.elementType} [${value.shape.join(', ')}]  ${range}${notFinite > 0 ? `, ${notFinite} not finite` : ''}`;
    }
    case 'audio':
      return `sound ${(value.frames / value.sampleRateHz).toFixed(2)} s, ${value.sampleRateHz} Hz, rms ${short(value.rms)}`;
    case 'bytes':
      return `${value.sizeBytes} bytes`;
    case 'left-out':
      return value.reason === 'too-large' ? `left out: too large${sizeOf(value.sizeBytes)}` : 'left out: it cannot be shown';
    case 'json': {
      const text = JSON.stringify(value.value) ?? '';
      return text.length > JSON_CHARACTERS ? `${text.slice(0, JSON_CHARACTERS)}...` : text;
    }
  }
}

function sizeOf(bytes: number | undefined): string {
  return bytes === undefined ? '' : ` (${bytes} bytes)`;
}

function short(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(4)));
}
