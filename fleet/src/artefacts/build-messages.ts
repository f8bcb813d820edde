import type { BuildReport, GoldenSet, Precision, TensorPort } from '@starling/shared';

/** What the fleet asks its builder: a process of its own, since native code that loads a stranger's model may crash or hang. */
export type BuildRequest =
  | { type: 'inspect'; file: string }
  | { type: 'build'; file: string; outputDirectory: string; exampleShapes: Record<string, number[]> };

export interface Inspection {
  opset: number;
  operators: string[];
  inputs: TensorPort[];
  outputs: TensorPort[];
}

export interface BuiltArtefact {
  precision: Precision;
  optimisation: string;
  executionProviders: string[];
  file: string;
  golden: GoldenSet;
  report: BuildReport;
}

export type BuildReply =
  | { type: 'progress'; percent: number; step: string }
  | { type: 'inspected'; inspection: Inspection }
  | { type: 'built'; artefacts: BuiltArtefact[] }
  | { type: 'failed'; code: string; message: string; field?: string; hint?: string };
