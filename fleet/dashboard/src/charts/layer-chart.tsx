import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';

interface LayerChartProps {
  layers: readonly { node: string; signalToNoiseDb: number | null; inFloat: boolean }[];
}

const HEIGHT_PX = 240;

/** How much of a signal each layer keeps, in the order of the graph. The table beside it says the same. */
export function LayerChart({ layers }: LayerChartProps) {
  const data = layers.map(({ node, signalToNoiseDb, inFloat }) => ({
    node,
    ...(inFloat ? { float: signalToNoiseDb } : { quantised: signalToNoiseDb }),
  }));
  return (
    <div aria-hidden>
      <BarChart
        h={HEIGHT_PX}
        type="stacked"
        data={data}
        dataKey="node"
        series={[
          { name: 'quantised', label: 'quantised', color: 'var(--measure-1)' },
          { name: 'float', label: 'left in float', color: 'var(--measure-3)' },
        ]}
        withLegend
        legendProps={{ verticalAlign: 'top', height: 32 }}
        withXAxis={false}
        gridAxis="x"
        tickLine="none"
        yAxisProps={{ width: 60, tickCount: 5 }}
        valueFormatter={(value) => `${value.toFixed(1)} dB`}
        maxBarWidth={28}
        barChartProps={{ accessibilityLayer: false }}
      />
    </div>
  );
}
