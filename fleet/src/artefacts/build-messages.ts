import type { BuildRecipe, BuildReport, GoldenSet, ModelEvaluation, Precision, TensorPort, WholeRange } from '@starling/shared';

/** What the fleet asks its builder: a process of its own, since native code that loads a stranger's model may crash or hang. */
export type BuildRequest = { type: 'inspect'; file: string; weights?: string } | ({ type: 'build' } & RecipeRequest);

/** One recipe for one model. Paths are those of files that the fleet laid out for this one run. */
export interface RecipeRequest {
  /** The source, as it was pushed. */
  file: string;
  /** Digest of the source's weights, where they are apart: the file of that name beside it. */
  weights?: string;
  /** Largest file that an artefact may be: above it its weights are written apart. That of protobuf if not given. */
  fileBytesMaximum?: number;
  recipe: BuildRecipe;
  exampleShapes: Record<string, number[]>;
  exampleRanges?: Record<string, WholeRange>;
  /** The model under its name in the pipeline of its card, with its assets as files, and the texts of its classes. */
  model: { name: string; assets: Record<string, string>; labels?: string[] };
  /** Other models that the pipeline of the card runs: name -> files. */
  companions: Record<string, { file: string; assets: Record<string, string> }>;
  /** How samples reach the model and how its answers are scored, from the card. */
  evaluation?: ModelEvaluation;
  /** Zip archive of the calibration set. */
  calibrationArchive?: string;
  /** Zip archive of the evaluation set. */
  evaluationArchive?: string;
  /** Empty, and removed after the run: the artefact is written here, and data sets are unpacked here. */
  outputDirectory: string;
}

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
  /** Its weights, if they are apart. */
  weights?: { file: string; digest: string };
  golden: GoldenSet;
  report: BuildReport;
  /** Nodes that a search left in float. */
  keptInFloat: string[];
}

/** An artefact, and what a device must have to run it. */
export interface BuiltResult extends BuiltArtefact {
  needs: { opset: number; operators: string[]; memoryBytes: number };
}

export type BuildReply =
  | { type: 'progress'; percent: number; step: string }
  | { type: 'log'; line: string }
  | { type: 'inspected'; inspection: Inspection }
  | { type: 'built'; artefact: BuiltResult }
  | { type: 'failed'; code: string; message: string; field?: string; hint?: string };
