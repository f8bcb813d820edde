import type { Capabilities } from '@starling/shared';

/** A model that does not run on the provider that would be best for it. */
export interface Fallback {
  model: string;
  from: string;
  to: string;
  /** As the engine gave it. */
  reason: string;
}

export interface FallbackEvent {
  message: string;
  detail: Record<string, unknown>;
}

const REASON_LENGTH = 160;
/** What engine text opens with: the file and line, the signature, and the condition that did not hold. */
const CONDITION = /^.*\bwas (?:true|false)\.\s*/s;
const PLACE = /(?:\S*\/)?\S+\.(?:cc|cpp|cxx|h|hpp):\d+\s*/g;

/**
 * Decides what the fleet is told of a fallback: one event for each provider, however many models and loads it refuses, and none for a
 * provider that this device has said not to have.
 */
export function createFallbackEvents(): (fallback: Fallback, providers: Capabilities['executionProviders']) => FallbackEvent | undefined {
  const told = new Set<string>();
  return ({ model, from, to, reason }, providers) => {
    const isKnown = providers.some(({ name, ran }) => name === from && !ran);
    if (isKnown || from === to || told.has(from)) return undefined;
    told.add(from);
    return {
      message: `${model} runs on ${to}, since ${from} did not take it: ${shortReason(reason)}`,
      detail: { model, from, to, reason },
    };
  };
}

/** The sentence for people in what an engine says. */
export function shortReason(reason: string): string {
  const sentence = reason.replace(CONDITION, '').replace(PLACE, '').replace(/\s+/g, ' ').trim();
  if (sentence === '') return 'the engine gave no reason';
  return sentence.length > REASON_LENGTH ? `${sentence.slice(0, REASON_LENGTH - 1)}…` : sentence;
}
