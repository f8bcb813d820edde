import type { InferenceResult, Reading } from '@starling/shared';
import { useState } from 'react';
import { inWords, percentOf } from '../../format/quantity.ts';
import classes from './image-overlay.module.css';

interface ImageOverlayProps {
  source: string;
  /** Size of the image as the device saw it: boxes are in its pixels. */
  size: InferenceResult['image'];
  readings: readonly Reading[];
  marked: number | undefined;
  onMark: (index: number | undefined) => void;
  isWaiting: boolean;
}

/** The image, with what was read in it drawn over it. The list beside says the same in words, so the drawing is not read out. */
export function ImageOverlay({ source, size, readings, marked, onMark, isWaiting }: ImageOverlayProps) {
  const [natural, setNatural] = useState<{ width: number; height: number }>();
  const { width, height } = size ?? natural ?? { width: 1, height: 1 };
  return (
    <div className={classes.frame} data-waiting={isWaiting || undefined}>
      <img
        src={source}
        alt="Under test"
        className={classes.image}
        onLoad={({ currentTarget }) => setNatural({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })}
      />
      {readings.length > 0 && (
        <svg className={classes.overlay} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden>
          {readings.map((reading, index) => (
            <Box
              // biome-ignore lint/suspicious/noArrayIndexKey: readings have no name but their place
              key={index}
              reading={reading}
              unit={Math.max(width, height) / 100}
              isMarked={marked === index}
              onMark={(on) => onMark(on ? index : undefined)}
            />
          ))}
        </svg>
      )}
    </div>
  );
}

interface BoxProps {
  reading: Reading;
  /** A hundredth of the longer side, in pixels of the image: drawings keep their size on screen whatever the image's. */
  unit: number;
  isMarked: boolean;
  onMark: (isOn: boolean) => void;
}

function Box({ reading: { quad, text, confidence }, unit, isMarked, onMark }: BoxProps) {
  const [left, top] = quad.reduce(([x, y], [px, py]) => [Math.min(x, px), Math.min(y, py)], [Infinity, Infinity]);
  const label = isMarked ? `${text}  ${inWords(percentOf(confidence))}` : text;
  const size = unit * 2.3;
  return (
    <g className={classes.box} data-marked={isMarked || undefined} onPointerEnter={() => onMark(true)} onPointerLeave={() => onMark(false)}>
      <polygon points={quad.map((point) => point.join(',')).join(' ')} strokeWidth={unit * (isMarked ? 0.7 : 0.4)} />
      <g transform={`translate(${left} ${Math.max(top - size * 1.35, 0)})`}>
        <rect width={label.length * size * 0.6 + size * 0.6} height={size * 1.3} rx={size * 0.22} />
        <text x={size * 0.3} y={size * 0.97} fontSize={size}>
          {label}
        </text>
      </g>
    </g>
  );
}
