import type { InferenceResult, Reading } from '@starling/shared';
import { useState } from 'react';
import { inWords, percentOf } from '../../format/quantity.ts';
import classes from './image-overlay.module.css';
import { type Box, boundsOf, labelSize, placeLabels } from './place-labels.ts';

interface ImageOverlayProps {
  source: string;
  /** Size of the image as the device saw it: boxes are in its pixels. */
  size: InferenceResult['image'];
  readings: readonly Reading[];
  marked: number | undefined;
  onMark: (index: number | undefined) => void;
  isWaiting: boolean;
}

/** Letters are this high, in hundredths of the longer side of the image. */
const LETTERS = 2.3;

/** The image, with what was read in it drawn over it. The list beside says the same in words, so the drawing is not read out. */
export function ImageOverlay({ source, size, readings, marked, onMark, isWaiting }: ImageOverlayProps) {
  const [natural, setNatural] = useState<{ width: number; height: number }>();
  const image = size ?? natural ?? { width: 1, height: 1 };
  // Drawings keep their size on the screen whatever the image has.
  const unit = Math.max(image.width, image.height) / 100;
  const places = placeLabels(readings, unit * LETTERS, image);
  const drawn = readings.map((reading, index) => ({ reading, index, place: places[index] }));
  // What is marked is drawn last, over all others.
  const inOrder = drawn.toSorted((a, b) => Number(a.index === marked) - Number(b.index === marked));
  return (
    <div className={classes.frame} data-waiting={isWaiting || undefined}>
      <img
        src={source}
        alt="Under test"
        className={classes.image}
        onLoad={({ currentTarget }) => setNatural({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })}
      />
      {readings.length > 0 && (
        <svg className={classes.overlay} viewBox={`0 0 ${image.width} ${image.height}`} preserveAspectRatio="none" aria-hidden>
          {inOrder.map(({ reading, index, place }) => (
            <ReadingMark
              key={index}
              {...{ reading, unit, place }}
              isMarked={marked === index}
              onMark={(on) => onMark(on ? index : undefined)}
            />
          ))}
        </svg>
      )}
    </div>
  );
}

interface ReadingMarkProps {
  reading: Reading;
  /** A hundredth of the longer side, in pixels of the image. */
  unit: number;
  /** Where its label fits without covering others. */
  place: Box | undefined;
  isMarked: boolean;
  onMark: (isOn: boolean) => void;
}

function ReadingMark({ reading: { quad, text, confidence }, unit, place, isMarked, onMark }: ReadingMarkProps) {
  const size = unit * LETTERS;
  const words = isMarked ? `${text}  ${inWords(percentOf(confidence))}` : text;
  const { x, y } = boundsOf(quad);
  // A marked text is worth covering others for.
  const shown = place ?? (isMarked ? { x, y: Math.max(0, y - size * 1.45) } : undefined);
  const plate = labelSize(words, size);
  return (
    <g className={classes.box} data-marked={isMarked || undefined} onPointerEnter={() => onMark(true)} onPointerLeave={() => onMark(false)}>
      <polygon points={quad.map((point) => point.join(',')).join(' ')} strokeWidth={unit * (isMarked ? 0.7 : 0.4)} />
      {shown !== undefined && (
        <g transform={`translate(${shown.x} ${shown.y})`}>
          <rect {...plate} rx={size * 0.22} />
          <text x={size * 0.3} y={size * 0.97} fontSize={size}>
            {words}
          </text>
        </g>
      )}
    </g>
  );
}
