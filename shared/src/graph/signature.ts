import type { z } from 'zod';
import type { JoinMode } from '../documents/pipeline.ts';

/** Port name -> port type, as text. */
export type PortTexts = Readonly<Record<string, string>>;

/** Ports of an operator. */
export interface Ports {
  inputs: PortTexts;
  outputs: PortTexts;
  /** Inputs that need no edge, and for which nobody waits in vain. */
  optional?: readonly string[];
  /** Optional inputs that need an edge all the same, since the parameters name them: only their values may stay away. */
  wired?: readonly string[];
}

/** An expression in the parameters of an operator. */
export interface ExpressionPlace {
  /** Where it stands in the parameters. */
  path: readonly (string | number)[];
  text: string;
  variables: readonly string[];
  /** What it must answer. */
  result?: 'boolean';
}

/** What an operator takes and gives: the part of it that the fleet checks and the agent implements. */
export interface OperatorSignature {
  name: string;
  /** Raised when its meaning changes; a release asks for it, a device states what it has. */
  version: number;
  summary: string;
  /** A single capital letter stands for any type: the same letter, the same type. */
  inputs: PortTexts;
  outputs: PortTexts;
  /** Inputs that need no edge, and for which nobody waits in vain. */
  optional?: readonly string[];
  params: z.ZodType;
  /** Keeps something from item to item: those of one stream come one after the other, in their order. */
  stateful?: boolean;
  /** Of what it keeps: for each stream by itself, or for all together. Without it each stream has its own. */
  stateScope?: 'stream' | 'node';
  /** Joins with which it works where it has several inputs that are not optional; without it `inner` alone. */
  joins?: readonly JoinMode[];
  /** Inputs and outputs where they follow from the parameters; `inputs` and `outputs` are then those that are always there. */
  ports?(params: never): Ports;
  /** Expressions in the parameters, with the variables that each may use. */
  expressions?(params: never): readonly ExpressionPlace[];
}

/** What every source has in common: a kind of input that a pipeline opens by itself. Params as its node states them. */
export interface SourceSignature {
  name: string;
  version: number;
  summary: string;
  outputs: PortTexts;
  params: z.ZodType;
  /** Outputs where they follow from the parameters; `outputs` are then those that are always there. */
  ports?(params: never): { outputs: PortTexts };
}

/** What takes values out of a pipeline. */
export interface SinkSignature {
  name: string;
  version: number;
  summary: string;
  inputs: PortTexts;
  optional?: readonly string[];
  params: z.ZodType;
  /** Values stay on the device: the egress policy need not name it. */
  isLocal: boolean;
}
