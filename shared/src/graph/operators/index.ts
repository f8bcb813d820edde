/** What operators take and give, by field -> the table that the fleet checks pipelines against and every agent implements. */
import type { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';
import { audioOperators } from './audio.ts';
import { classesOperators } from './classes.ts';
import { detectionOperators } from './detection.ts';
import { flowOperators } from './flow.ts';
import { imageOperators } from './image.ts';
import { listOperators } from './list.ts';
import { motionOperators } from './motion.ts';
import { overlayOperators } from './overlay.ts';
import { tensorOperators } from './tensor.ts';
import { textOperators } from './text.ts';
import { trackingOperators } from './tracking.ts';

/** Operators of this version of Starling. */
export const operatorSignatures = {
  ...imageOperators,
  ...overlayOperators,
  ...detectionOperators,
  ...classesOperators,
  ...textOperators,
  ...flowOperators,
  ...listOperators,
  ...tensorOperators,
  ...trackingOperators,
  ...motionOperators,
  ...audioOperators,
} as const satisfies Record<string, OperatorSignature>;

export type OperatorName = keyof typeof operatorSignatures;
export type OperatorParams<Name extends OperatorName> = z.output<(typeof operatorSignatures)[Name]['params']>;

export const operatorRegistry: ReadonlyMap<string, OperatorSignature> = new Map(Object.entries(operatorSignatures));

/** Raised when graphs mean something that older agents do not know. Devices state it beside their operators. */
export const GRAPH_VERSION = 2;

/** Raised when devices that run parts of one pipeline speak differently with each other. */
export const PLACEMENT_VERSION = 1;

/** Raised when desired states say otherwise which releases a device helps with beside its own. */
export const HELPING_VERSION = 1;

/** Operator name -> version, as `hello` and capabilities state it; `graph` is the version of the graph language, `placement` that of parts on several machines, `helping` that of parts of several releases. */
export const operatorVersions: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(operatorSignatures).map(([name, { version }]) => [name, version])),
  graph: GRAPH_VERSION,
  placement: PLACEMENT_VERSION,
  helping: HELPING_VERSION,
};
