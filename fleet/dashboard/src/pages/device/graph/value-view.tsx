import { Text } from '@mantine/core';
import type { EdgeLeafView, EdgeValueView } from '@starling/shared';
import { bytesOf, counted, inWords, percentOf } from '../../../format/quantity.ts';
import { bytesOf64, outlinesOf, type PictureView, pictureSource, readableJson, textOf } from './decode-value.ts';
import { OutlineView } from './outline-view.tsx';
import { TensorHeat } from './tensor-heat.tsx';
import classes from './value-view.module.css';
import { Waveform } from './waveform.tsx';

interface ValueViewProps {
  value: EdgeValueView;
  /** Names what is shown. */
  label: string;
  /** The picture of the same item, over which what was found is drawn. */
  picture?: PictureView | undefined;
}

/** A value of an edge, in the way that its kind can be looked at. */
export function ValueView({ value, label, picture }: ValueViewProps) {
  if (value.kind !== 'list') return <LeafView {...{ value, label, picture }} />;
  return (
    <div className={classes.list}>
      <Text size="xs" c="dimmed">
        {counted(value.length)} {value.length === 1 ? 'item' : 'items'}
        {value.items.length < value.length && `, the first ${counted(value.items.length)} shown`}
      </Text>
      {value.items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: items of a list have no other name
        <div key={index} className={classes.item}>
          <LeafView value={item} label={`${label}, item ${index + 1}`} />
        </div>
      ))}
    </div>
  );
}

function LeafView({ value, label, picture }: { value: EdgeLeafView; label: string; picture?: PictureView | undefined }) {
  switch (value.kind) {
    case 'image':
      return (
        <figure className={classes.figure}>
          <img src={pictureSource(value)} alt={label} width={value.thumbnail.width} height={value.thumbnail.height} />
          <figcaption>
            {value.width} × {value.height}
            {value.encodedBytes !== undefined && `, ${inWords(bytesOf(value.encodedBytes))} as a file`}
          </figcaption>
        </figure>
      );
    case 'tensor':
      return <TensorHeat tensor={value} label={label} />;
    case 'audio':
      return <Waveform audio={value} label={label} />;
    case 'bytes':
      return (
        <Text size="sm">
          {inWords(bytesOf(value.sizeBytes))}, beginning with <code className={classes.code}>{hexOf(value.start)}</code>
        </Text>
      );
    case 'left-out':
      return (
        <Text size="sm" c="dimmed">
          {value.reason === 'too-large'
            ? `Too large to be sent${value.sizeBytes === undefined ? '' : `: ${inWords(bytesOf(value.sizeBytes))}`}. Allow more bytes.`
            : 'Nothing that can be shown.'}
        </Text>
      );
    default:
      return <JsonView value={value.value} label={label} picture={picture} />;
  }
}

function JsonView({ value, label, picture }: { value: unknown; label: string; picture: PictureView | undefined }) {
  const outlines = outlinesOf(value);
  const text = textOf(value);
  if (text !== undefined) {
    return (
      <Text size="lg" fw={600}>
        {text.text === '' ? '(no text)' : text.text}{' '}
        {text.confidence !== undefined && (
          <Text span size="sm" c="dimmed" fw={400}>
            {inWords(percentOf(text.confidence))}
          </Text>
        )}
      </Text>
    );
  }
  return (
    <>
      {outlines !== undefined && <OutlineView {...{ outlines, label, picture }} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <section className={classes.json} tabIndex={0} aria-label={`${label} as JSON`}>
        <pre>{readableJson(value)}</pre>
      </section>
    </>
  );
}

function hexOf(text: string): string {
  return [...bytesOf64(text).subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
