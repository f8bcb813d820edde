interface BinSharesProps {
  current: readonly number[];
  reference: readonly number[] | null;
}

const [WIDTH, HEIGHT] = [160, 36];

/** Two small histograms over each other: bars for the latest window, a line for the reference. */
export function BinShares({ current, reference }: BinSharesProps) {
  const now = shares(current);
  const before = reference === null ? [] : shares(reference);
  const highest = Math.max(...now, ...before, 0.01);
  const step = WIDTH / current.length;
  const y = (share: number): number => HEIGHT - (share / highest) * (HEIGHT - 2);
  const line = before.map((share, bin) => `${bin * step},${y(share)} ${(bin + 1) * step},${y(share)}`).join(' ');
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label="Bars: latest window. Line: reference.">
      {now.map((share, bin) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: bins have no name but their place
          key={bin}
          x={bin * step + 0.5}
          y={y(share)}
          width={Math.max(1, step - 1)}
          height={HEIGHT - y(share)}
          fill="var(--measure-1)"
          opacity={0.55}
        />
      ))}
      {before.length > 0 && <polyline points={line} fill="none" stroke="var(--measure-2)" strokeWidth={1.6} />}
    </svg>
  );
}

function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}
