import '@mantine/charts/styles.css';
import { ScatterChart } from '@mantine/charts';
import type { ScatterShapeProps } from 'recharts';
import classes from './trade-off-chart.module.css';

export interface TradeOffPoint {
  x: number;
  y: number;
  /** Stands in the mark, and in the table beside the chart. */
  number: number;
  title: string;
  onFront: boolean;
  isEstimate: boolean;
}

interface TradeOffChartProps {
  points: readonly TradeOffPoint[];
  labels: { x: string; y: string };
  format: { x: (value: number) => string; y: (value: number) => string };
}

const MARK_PX = 10;
const HEIGHT_PX = 300;

/** Two measures against each other. A table beside it says the same, so the drawing is left out for those who listen. */
export function TradeOffChart({ points, labels, format }: TradeOffChartProps) {
  // What is drawn last lies on top.
  const data = points.toSorted((left, right) => Number(left.onFront) - Number(right.onFront)).map(({ x, y, number }) => ({ x, y, number }));
  const markOf = ({ cx, cy, payload }: ScatterShapeProps) => {
    const { number } = payload as { number: number };
    const point = points.find((each) => each.number === number);
    if (point === undefined || cx === undefined || cy === undefined) return <g />;
    return <Mark point={point} cx={cx} cy={cy} />;
  };
  return (
    <div aria-hidden className={classes.chart}>
      <ScatterChart
        h={HEIGHT_PX}
        data={[{ name: labels.y, color: 'var(--measure-1)', data }]}
        dataKey={{ x: 'x', y: 'y' }}
        xAxisLabel={labels.x}
        yAxisLabel={labels.y}
        valueFormatter={format}
        withTooltip={false}
        tickLine="none"
        xAxisProps={{ domain: [0, 'auto'], tickCount: 5, padding: { right: 16 } }}
        yAxisProps={{ width: 92, tickCount: 5, padding: { top: 12, bottom: 12 } }}
        scatterProps={{ shape: markOf, isAnimationActive: false }}
        scatterChartProps={{ accessibilityLayer: false, margin: { bottom: 8 } }}
      />
    </div>
  );
}

function Mark({ point, cx, cy }: { point: TradeOffPoint; cx: number; cy: number }) {
  return (
    <g data-front={point.onFront || undefined} data-estimate={point.isEstimate || undefined} className={classes.mark}>
      <title>{point.title}</title>
      <circle cx={cx} cy={cy} r={MARK_PX} />
      <text x={cx} y={cy} dy="0.35em">
        {point.number}
      </text>
    </g>
  );
}
