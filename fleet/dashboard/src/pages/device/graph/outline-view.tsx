import { inWords, percentOf } from '../../../format/quantity.ts';
import { type Outline, type PictureView, pictureSource } from './decode-value.ts';
import classes from './outline-view.module.css';

interface OutlineViewProps {
  outlines: readonly Outline[];
  label: string;
  picture: PictureView | undefined;
}

/** What was found, over the picture in which it was found; where that may not leave, over nothing, at the same places. */
export function OutlineView({ outlines, label, picture }: OutlineViewProps) {
  const all = outlines.flatMap(({ points }) => points);
  const width = picture?.width ?? Math.max(1, ...all.map(([x]) => x)) * 1.04;
  const height = picture?.height ?? Math.max(1, ...all.map(([, y]) => y)) * 1.04;
  const unit = Math.max(width, height) / 100;
  return (
    <div className={classes.frame} style={{ aspectRatio: `${width} / ${height}` }}>
      {picture !== undefined && <img src={pictureSource(picture)} alt="" />}
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${label}: ${outlines.map(wordsOf).join('; ')}`}>
        {outlines.map(({ points, label: name, score }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what was found has no other name
          <g key={index}>
            <polygon points={points.map((point) => point.join(',')).join(' ')} strokeWidth={unit * 0.5} />
            <text x={points[0]?.[0]} y={Math.max((points[0]?.[1] ?? 0) - unit * 0.8, unit * 3)} fontSize={unit * 3}>
              {[name, score === undefined ? '' : inWords(percentOf(score))].filter(Boolean).join(' ')}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

function wordsOf({ label, score, points }: Outline): string {
  const [x = 0, y = 0] = points[0] ?? [];
  const named = [label || 'something', score === undefined ? '' : inWords(percentOf(score))].filter(Boolean).join(' ');
  return `${named} at ${Math.round(x)}, ${Math.round(y)}`;
}
