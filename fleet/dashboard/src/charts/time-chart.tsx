import '@mantine/charts/styles.css';
import { AreaChart, BarChart, LineChart } from '@mantine/charts';
import type { ReactNode } from 'react';
import { utcClock, utcTime } from '../format/time.ts';
import classes from './time-chart.module.css';

export interface Measure {
  name: string;
  label: string;
  color?: string;
}

export interface TimeChartProps {
  kind: 'line' | 'area' | 'bar';
  points: readonly ({ atMs: number } & Readonly<Record<string, number | null>>)[];
  measures: readonly Measure[];
  /** A value with its unit. */
  format: (value: number) => string;
  /** One sentence that says what the chart shows, for those who do not see it. */
  summary: ReactNode;
  heightPx?: number;
  /** Top of the scale, where the measure has one. */
  maximum?: number;
  thresholds?: readonly { y: number; label: string; color: string }[];
}

const FEW_POINTS = 3;
const palette = ['var(--measure-1)', 'var(--measure-2)', 'var(--measure-3)', 'var(--measure-4)'];
// The summary speaks for the drawing, so the drawing needs no stops of its own. Above the top line half of its label has room.
const silent = { accessibilityLayer: false, margin: { top: 16 } };

/** Measures over time, UTC. The summary below says the same in words. */
export function TimeChart({ kind, points, measures, format, summary, heightPx = 200, maximum, thresholds = [] }: TimeChartProps) {
  const spanMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0);
  const withDay = spanMs > 30 * 3_600_000;
  const props = {
    h: heightPx,
    data: [...points],
    dataKey: 'atMs',
    series: measures.map(({ name, label, color }, index) => ({ name, label, color: color ?? palette[index % palette.length] ?? '' })),
    tickLine: 'none' as const,
    gridAxis: 'x' as const,
    withLegend: measures.length > 1,
    legendProps: { verticalAlign: 'top' as const, height: 32 },
    referenceLines: [...thresholds],
    xAxisProps: { tickFormatter: (atMs: number) => (withDay ? utcTime(atMs).slice(5, 16) : utcClock(atMs)), minTickGap: 48 },
    yAxisProps: {
      ...{ width: 68, tickFormatter: format, domain: [0, maximum ?? 'auto'] as [number, number | 'auto'] },
      ...{ tickCount: 4, niceTicks: 'snap125' as const },
    },
    valueFormatter: format,
    tooltipAnimationDuration: 0,
    tooltipProps: { labelFormatter: (atMs: ReactNode) => (typeof atMs === 'number' ? utcTime(atMs) : '') },
  };
  // A point between two gaps is no line: while there are few, each has a dot.
  const few = measures.every(({ name }) => points.filter((point) => typeof point[name] === 'number').length <= FEW_POINTS);
  const drawn = { curveType: 'linear' as const, withDots: few, strokeWidth: 2, connectNulls: false };
  return (
    <figure className={classes.figure}>
      <div aria-hidden>
        {kind === 'line' && <LineChart {...props} {...drawn} lineChartProps={silent} />}
        {kind === 'area' && <AreaChart {...props} {...drawn} fillOpacity={0.22} areaChartProps={silent} />}
        {kind === 'bar' && <BarChart {...props} barChartProps={silent} />}
      </div>
      <figcaption className={classes.summary}>{summary}</figcaption>
    </figure>
  );
}
