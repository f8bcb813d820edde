import '@mantine/charts/styles.css';
import { AreaChart, BarChart, LineChart } from '@mantine/charts';
import type { ReactNode } from 'react';
import { utcClock, utcTime } from '../format/time.ts';
import { scaleOf, timeTicks } from './axis-ticks.ts';
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
/** From here on the day is said too, below that the seconds. */
const DAY_SPAN_MS = 30 * 3_600_000;
const SECONDS_SPAN_MS = 5 * 60_000;
const palette = ['var(--measure-1)', 'var(--measure-2)', 'var(--measure-3)', 'var(--measure-4)'];
// The summary speaks for the drawing, so the drawing needs no stops of its own. Above the top line half of its label has room.
const silent = { accessibilityLayer: false, margin: { top: 16 } };

/** Measures over time, UTC. The summary below says the same in words. */
export function TimeChart({ kind, points, measures, format, summary, heightPx = 200, maximum, thresholds = [] }: TimeChartProps) {
  const spanMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0);
  const clockOf = (atMs: number): string => (spanMs > DAY_SPAN_MS ? utcTime(atMs).slice(5, 16) : utcClock(atMs, spanMs < SECONDS_SPAN_MS));
  const drawnValues = points.flatMap((point) => measures.map(({ name }) => point[name]).filter((value) => typeof value === 'number'));
  const scale = scaleOf(drawnValues, maximum, format);
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
    xAxisProps: { tickFormatter: clockOf, ticks: timeTicks(points, clockOf), minTickGap: 48 },
    yAxisProps: { width: 68, tickFormatter: format, domain: scale.domain, ticks: scale.ticks, interval: 0 as const },
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
