import type { TargetCounts } from '@starling/shared';
import { CountBar } from '../../parts/count-bar.tsx';
import { sharesOf, targetWords } from './state-words.ts';

interface WaveBarProps {
  counts: TargetCounts;
  /** The bar alone: the words stand elsewhere. */
  isBare?: boolean;
}

/** Devices of a rollout by what became of them. */
export function WaveBar({ counts, isBare = false }: WaveBarProps) {
  const parts = sharesOf(counts).map(({ state, devices }) => ({ key: state, devices, ...targetWords[state] }));
  return <CountBar parts={parts} isBare={isBare} />;
}
