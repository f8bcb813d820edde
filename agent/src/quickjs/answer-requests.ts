import type { PackedValue } from '../core/ports/sandbox.ts';
import type { ScriptReply, ScriptRequest } from '../core/sandbox/index.ts';
import { type Evaluator, openEvaluator, type ThreadTime } from './evaluator.ts';
import { installItemDate } from './item-date.ts';

/** What a runtime gives a thread with a script. */
export interface ThreadSide {
  send(reply: ScriptReply, moved: ArrayBuffer[]): void;
  time: ThreadTime;
}

/**
 * The inside of a thread with a script: the whole of it, since it changes what time is there. It imports little, as each script has a
 * thread of its own to start. @returns takes one request
 */
export function answerRequests({ send, time }: ThreadSide): (request: ScriptRequest) => void {
  const setItemMs = installItemDate();
  let evaluator: Evaluator | undefined;
  const open = async (request: Extract<ScriptRequest, { type: 'open' }>): Promise<ScriptReply> => {
    const opened = await openEvaluator(request.module, time);
    if ('code' in opened) return { type: 'failed', problem: opened, isBroken: true };
    evaluator = opened;
    return { type: 'opened' };
  };
  return (request) => {
    if (request.type === 'open') {
      open(request).then(
        (reply) => send(reply, []),
        (error: unknown) => send({ type: 'failed', problem: { code: 'script-failed', message: String(error) }, isBroken: true }, []),
      );
      return;
    }
    setItemMs(request.call.item.timeMs);
    const reply = evaluator?.run(request.call);
    if (reply !== undefined) send(reply, reply.type === 'ran' ? Object.values(reply.answer.outputs).flatMap(buffersOf) : []);
  };
}

function buffersOf(packed: PackedValue): ArrayBuffer[] {
  if (packed.kind === 'list') return packed.items.flatMap(buffersOf);
  return packed.kind !== 'json' && packed.array.buffer instanceof ArrayBuffer ? [packed.array.buffer] : [];
}
