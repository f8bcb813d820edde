/** What takes values out of a pipeline, by field -> the table that the fleet checks pipelines against and agents implement. */
import type { z } from 'zod';
import type { SinkSignature } from '../signature.ts';
import { fileSinks } from './files.ts';
import { homeAssistantSinks } from './home-assistant.ts';
import { messageSinks } from './messages.ts';

export type { HomeAssistantEntity } from './home-assistant.ts';

/** Sinks of this version of Starling. */
export const sinkSignatures = {
  ...messageSinks,
  ...fileSinks,
  ...homeAssistantSinks,
} as const satisfies Record<string, SinkSignature>;

export type SinkName = keyof typeof sinkSignatures;
export type SinkParams<Name extends SinkName> = z.output<(typeof sinkSignatures)[Name]['params']>;

export const sinkRegistry: ReadonlyMap<string, SinkSignature> = new Map(Object.entries(sinkSignatures));
