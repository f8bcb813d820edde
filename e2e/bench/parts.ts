/** Parts of a bench, run one after the other -> the measures of all that ended, and why the others failed. */
import { messageOf } from '@starling/shared';
import type { Findings, Measure, Say } from './result.ts';

/** What the command line may ask of a bench. */
export interface BenchOptions {
  /** Fewer scenes than the bench reads by itself, to try it out: what comes out is not kept. */
  scenes?: number;
  /** Devices at once, likewise. */
  devices?: number;
  /** How long a rate is held, likewise. */
  seconds?: number;
  /** Only these parts of the bench: what comes out takes the place of what is kept of them. */
  parts?: readonly string[];
  /** Scenes that are read on WebGPU: a software adapter takes a minute for each, a real one less than a second. */
  webgpuScenes?: number;
  /** What WebGPU computes on. */
  gpu?: 'software' | 'native';
}

/** A part that fails costs its own measures alone. @param only these of them, if given */
export async function inParts(
  parts: Readonly<Record<string, () => Promise<Measure[]>>>,
  say: Say,
  only: readonly string[] = Object.keys(parts),
): Promise<Findings> {
  const findings: Findings = { measures: [], failures: [] };
  for (const [part, work] of Object.entries(parts)) {
    if (!only.includes(part)) continue;
    say(`-- ${part}`);
    try {
      findings.measures.push(...(await work()).map((measure) => ({ ...measure, part })));
    } catch (error) {
      const message = messageOf(error);
      say(`${part} failed: ${message}`);
      findings.failures.push({ part, message });
    }
  }
  return findings;
}

/** Work that several parts need and that is done when the first of them asks for it. */
export function once<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let done: Promise<Value> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
