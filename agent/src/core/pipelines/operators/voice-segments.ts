import { type OperatorParams, StarlingError } from '@starling/shared';
import type { Tensor } from '../../ports/engine.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';

export interface VoiceSegment {
  /** Since the stream began. */
  startMs: number;
  endMs: number;
}

interface Voice {
  /** Probabilities that were seen. */
  frames: number;
  /** Start of the speech that goes on, before its padding. */
  sinceMs: number | undefined;
  /** Where the pause began that may end it: the end of the first frame that was too quiet. */
  pauseMs: number | undefined;
}

/**
 * Two thresholds with a pause between, as Silero's VADIterator decides: between the thresholds speech neither begins nor ends, and a
 * pause begins where a frame falls below the lower one, and is over with one that reaches the upper one.
 */
export function voiceSegments(
  inputs: Readonly<Record<string, unknown>>,
  params: OperatorParams<'voice.segments'>,
  _context: OperatorContext,
  item: OperatorItem,
) {
  const voice = item.state<Voice>(() => ({ frames: 0, sinceMs: undefined, pauseMs: undefined }));
  const probabilities = probabilitiesOf(inputs);
  const segments: VoiceSegment[] = [];
  for (const probability of probabilities) {
    const ended = take(voice, probability, params);
    if (ended !== undefined) segments.push(ended);
  }
  const last = probabilities.at(-1) ?? 0;
  const speaks = voice.sinceMs !== undefined;
  return { segments, speech: { label: speaks ? 'speech' : 'silence', score: last, ...(speaks ? { sinceMs: voice.sinceMs } : {}) } };
}

function take(voice: Voice, probability: number, params: OperatorParams<'voice.segments'>): VoiceSegment | undefined {
  const { frameMs, onThreshold, offThreshold, minimumSilenceMs, minimumSpeechMs, paddingMs } = params;
  const fromMs = voice.frames * frameMs;
  voice.frames += 1;
  const toMs = voice.frames * frameMs;
  if (probability >= onThreshold) {
    voice.pauseMs = undefined;
    voice.sinceMs ??= Math.max(0, fromMs - paddingMs);
    return undefined;
  }
  if (probability >= offThreshold || voice.sinceMs === undefined) return undefined;
  voice.pauseMs ??= toMs;
  if (toMs - voice.pauseMs < minimumSilenceMs) return undefined;
  // The frame that began the pause is none of speech.
  const endMs = voice.pauseMs - frameMs + paddingMs;
  const segment = { startMs: voice.sinceMs, endMs };
  voice.sinceMs = undefined;
  voice.pauseMs = undefined;
  return segment.endMs - segment.startMs < minimumSpeechMs ? undefined : segment;
}

/** One for each tensor of the list; of several in a tensor, each. */
function probabilitiesOf({ probabilities }: Readonly<Record<string, unknown>>): number[] {
  if (!Array.isArray(probabilities)) throw new StarlingError('wrong-value', 'input "probabilities" is no list', { field: 'probabilities' });
  return (probabilities as Partial<Tensor>[]).flatMap(({ data }) => {
    if (data instanceof Float32Array) return [...data];
    throw new StarlingError('wrong-value', 'input "probabilities" holds something other than float32 tensors', { field: 'probabilities' });
  });
}
