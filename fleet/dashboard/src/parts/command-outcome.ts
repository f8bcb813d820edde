import { type BatchTargetState, type CaptureEnd, type CommandView, commandTable } from '@starling/shared';
import { bytesOf, compact, counted, inWords, millisecondsOf } from '../format/quantity.ts';
import { duration } from '../format/time.ts';
import type { Tone } from './tag.tsx';

type Answered = Pick<CommandView, 'name' | 'result' | 'error'> & { status: BatchTargetState };

/** What came of a command, in a sentence. */
export function outcomeOf({ name, status, result, error }: Answered): string {
  if (error !== null) return `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`;
  if (result === null) return status === 'expired' ? 'no answer in time' : '';
  return wordsOf[name]?.(result) ?? '';
}

const wordsOf: Partial<Record<CommandView['name'], (result: unknown) => string | undefined>> = {
  ping: (result) => {
    const parsed = commandTable.ping.result.safeParse(result).data;
    return parsed && `agent ${parsed.agentVersion}, up ${duration(parsed.uptimeMs)}`;
  },
  infer: (result) => {
    const parsed = commandTable.infer.result.safeParse(result).data;
    return parsed && `${parsed.pipeline} in ${duration(parsed.latencyMs)}`;
  },
  logs: (result) => {
    const parsed = commandTable.logs.result.safeParse(result).data;
    return parsed && `${parsed.lines.length} lines`;
  },
  'self-test': (result) => {
    const parsed = commandTable['self-test'].result.safeParse(result).data;
    if (parsed === undefined) return undefined;
    const models = Object.entries(parsed.models).map(([model, { maximumError }]) => `${model} within ${compact(maximumError)}`);
    return `${parsed.passed ? 'passed' : 'did not pass'}: ${models.join(', ')}`;
  },
  'model-load': (result) => {
    const parsed = commandTable['model-load'].result.safeParse(result).data;
    if (parsed === undefined) return undefined;
    return `${parsed.model} ${parsed.wasLoaded ? 'was loaded already' : `loaded in ${duration(parsed.loadMs)}`}, on ${parsed.provider}`;
  },
  'model-unload': (result) => {
    const parsed = commandTable['model-unload'].result.safeParse(result).data;
    return parsed && `${parsed.model} ${parsed.wasLoaded ? 'freed; the next item loads it again' : 'was not loaded'}`;
  },
  benchmark: (result) => {
    const parsed = commandTable.benchmark.result.safeParse(result).data;
    return (
      parsed &&
      Object.entries(parsed.models)
        .map(
          ([model, { medianMs, p95Ms, provider }]) =>
            `${model} ${inWords(millisecondsOf(medianMs))}, p95 ${inWords(millisecondsOf(p95Ms))} on ${provider}`,
        )
        .join('; ')
    );
  },
  capture: (result) => {
    const parsed = commandTable.capture.result.safeParse(result).data;
    return parsed && `${counted(parsed.items)} values, ${inWords(bytesOf(parsed.sizeBytes))}: ${captureEnds[parsed.end]}`;
  },
  'capture-stop': (result) => {
    const parsed = commandTable['capture-stop'].result.safeParse(result).data;
    return parsed && (parsed.stopped ? 'it brings what it has' : 'it had ended, or never came');
  },
  diagnostics: (result) => {
    const parsed = commandTable.diagnostics.result.safeParse(result).data;
    return parsed && `${inWords(bytesOf(parsed.sizeBytes))}, kept for seven days`;
  },
  'update-agent': (result) => {
    const parsed = commandTable['update-agent'].result.safeParse(result).data;
    return parsed && `agent ${parsed.version}, in the place of ${parsed.before ?? 'the one that was installed'}`;
  },
  'rotate-key': (result) => {
    const parsed = commandTable['rotate-key'].result.safeParse(result).data;
    return parsed && `a new key, ${parsed.publicKey.slice(0, 12)}…`;
  },
  restart: (result) => {
    const parsed = commandTable.restart.result.safeParse(result).data;
    return parsed && `back in ${duration(parsed.restartedInMs)}`;
  },
};

const captureEnds: Record<CaptureEnd, string> = {
  items: 'as many as were asked for',
  bytes: 'its room was used up',
  expired: 'its time was over',
  stopped: 'ended before its time',
  'release-changed': 'another release took over',
  'disk-failed': 'the disk took no more',
};

/** How each state of a command looks; `waiting`: not its turn yet. */
export const commandTones: Record<BatchTargetState, Tone> = {
  waiting: 'idle',
  queued: 'idle',
  sent: 'busy',
  accepted: 'busy',
  progress: 'busy',
  done: 'good',
  failed: 'bad',
  expired: 'warn',
  cancelled: 'idle',
};
